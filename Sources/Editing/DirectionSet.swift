import Foundation
import Synthesis

/// Direction in a latent space of a generator, with the changes that it causes.
public struct Direction: Sendable, Equatable {
    /// Method that found a direction.
    public enum Kind: String, Sendable, CaseIterable {
        /// Normal of a linear boundary between faces with and without an attribute (Shen et al. 2020, InterFaceGAN).
        case attribute
        /// Eigenvector of the weights (Shen and Zhou 2021, SeFa).
        case sefa
        /// Principal component (Härkönen et al. 2020, GANSpace).
        case pca
    }

    /// Name in edits: the attribute, or the method and a number from 1, such as `sefa3`.
    public let name: String
    /// Method that found the direction.
    public let kind: Kind
    /// Attribute that it increases most, in standard deviations of the logits; the attribute itself for `.attribute`.
    public let attribute: String
    /// Unit vector [D].
    public let vector: [Float]
    /// Distance in the latent space that changes the logit of `attribute` by `DirectionSet.logitsPerUnit` on average.
    public let unit: Double
    /// Mean change of the logit of each attribute for one unit, [K].
    public let effects: [Float]

    /// Creates a direction from its parts.
    public init(
        name: String, kind: Kind, attribute: String, vector: [Float], unit: Double, effects: [Float]
    ) {
        (self.name, self.kind, self.attribute) = (name, kind, attribute)
        (self.vector, self.unit, self.effects) = (vector, unit, effects)
    }
}

/// How well a linear function of a latent predicts an attribute, on samples that are not used for its fit.
public struct NormalQuality: Sendable, Equatable {
    /// Method of the fit, such as `ridge 0.1` or `logistic 0.01`.
    public let method: String
    /// Fraction of correct signs among the tenth of the held-out samples with the largest and the tenth with the smallest
    /// logits, 0...1.
    public let accuracy: Double
    /// Correlation of prediction and logit over all held-out samples.
    public let correlation: Double

    /// Creates a quality from its parts.
    public init(method: String, accuracy: Double, correlation: Double) {
        (self.method, self.accuracy, self.correlation) = (method, accuracy, correlation)
    }
}

/// Directions of one latent space.
public struct SpaceDirections: Sendable, Equatable {
    /// `.z` or `.w`.
    public let space: LatentPoint.Space
    /// Normals of the attributes, in the order of `DirectionSet.attributes`.
    public let normals: [Direction]
    /// The same normals, made orthogonal to those of the other attributes in the scope `.independent`.
    public let conditional: [Direction]
    /// SeFa and PCA directions.
    public let unsupervised: [Direction]
    /// Quality of the normals.
    public let qualities: [NormalQuality]
    /// Principal axes of the change of the identity embedding, strongest first: orthonormal vectors [D].
    public let identityAxes: [[Float]]
    /// Fraction of the squared change of the embedding along each axis.
    public let identityShares: [Float]

    /// Creates the directions of a space from their parts.
    public init(
        space: LatentPoint.Space, normals: [Direction], conditional: [Direction],
        unsupervised: [Direction], qualities: [NormalQuality], identityAxes: [[Float]],
        identityShares: [Float]
    ) {
        (self.space, self.normals, self.conditional) = (space, normals, conditional)
        (self.unsupervised, self.qualities) = (unsupervised, qualities)
        (self.identityAxes, self.identityShares) = (identityAxes, identityShares)
    }

    /// Direction of a name: an attribute, or `sefa1`, `pca1` and so on.
    public func direction(named name: String) -> Direction? {
        (normals + unsupervised).first { $0.name == name }
    }

    /// Cosines of the normals, [K][K].
    public var cosines: [[Float]] {
        normals.map { a in normals.map { b in Float(Vectors.cosine(a.vector, b.vector)) } }
    }
}

/// Named, calibrated directions of a model.
public struct DirectionSet: Sendable, Equatable {
    /// Names of the K attributes of the face network.
    public let attributes: [String]
    /// Directions of z and, for a style generator, of w.
    public let spaces: [SpaceDirections]
    /// Mean logit of each attribute over the samples, [K].
    public let means: [Float]
    /// Standard deviation of the logit of each attribute over the samples, [K].
    public let deviations: [Float]
    /// Correlations of the logits, [K][K].
    public let correlations: [[Float]]
    /// Mean change of the logit of the own attribute for one unit, equal for all directions.
    public let logitsPerUnit: Double
    /// Number of samples.
    public let samples: Int
    /// SHA-256 of the model that the directions belong to.
    public let model: String
    /// SHA-256 of the face network.
    public let network: String
    /// Network whose embedding `identityAxes` describe.
    public let identityNetwork: String

    /// Creates a set from its parts.
    public init(
        attributes: [String], spaces: [SpaceDirections], means: [Float], deviations: [Float],
        correlations: [[Float]], logitsPerUnit: Double, samples: Int, model: String, network: String,
        identityNetwork: String
    ) {
        (self.attributes, self.spaces, self.means, self.deviations) = (attributes, spaces, means, deviations)
        (self.correlations, self.logitsPerUnit, self.samples) = (correlations, logitsPerUnit, samples)
        (self.model, self.network, self.identityNetwork) = (model, network, identityNetwork)
    }

    /// Directions of a space; nil if there are none.
    public subscript(space: LatentPoint.Space) -> SpaceDirections? { spaces.first { $0.space == space } }

    /// Space of edits by default: w of a style generator, otherwise z.
    public var defaultSpace: LatentPoint.Space { self[.w] == nil ? .z : .w }
}

/// Other attributes that a conditional direction leaves unchanged, as far as linear predictions describe them.
public enum ConditionScope: Sendable, Equatable, Hashable {
    /// No attribute: the plain normal.
    case none
    /// Attributes whose logits have an absolute correlation below `independenceLimit` with those of the own attribute.
    case independent
    /// All other attributes.
    case all
    /// These attributes.
    case names([String])

    /// Absolute correlation of logits from which two attributes count as dependent.
    public static let independenceLimit: Float = 0.3

    /// Parses `none`, `independent`, `all`, or names separated by commas.
    public init(_ text: String) {
        switch text {
        case "none": self = .none
        case "independent": self = .independent
        case "all": self = .all
        default: self = .names(text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
        }
    }

    /// Text that `init(_:)` parses.
    public var text: String {
        switch self {
        case .none: "none"
        case .independent: "independent"
        case .all: "all"
        case .names(let names): names.joined(separator: ",")
        }
    }
}

extension DirectionSet {
    /// Indices of the attributes in a scope, without the own attribute.
    /// - Throws: `EditError` for an unknown name.
    public func indices(of scope: ConditionScope, for own: Int) throws -> [Int] {
        switch scope {
        case .none: []
        case .independent:
            attributes.indices.filter {
                $0 != own && abs(correlations[own][$0]) < ConditionScope.independenceLimit
            }
        case .all: attributes.indices.filter { $0 != own }
        case .names(let names):
            try names.map { name in
                guard let index = attributes.firstIndex(of: name) else {
                    throw EditError.unknown(name, among: attributes, what: "attribute of the face network")
                }
                return index
            }.filter { $0 != own }
        }
    }
}
