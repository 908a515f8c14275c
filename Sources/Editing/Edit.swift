import Foundation
import Synthesis

/// Requested change of one attribute or direction.
public struct Edit: Sendable, Equatable, Hashable, Codable {
    /// Attribute, or direction such as `sefa1`.
    public let name: String
    /// Number of units: `DirectionSet.logitsPerUnit` logits each. For an attribute of a conditional model, the change of its label,
    /// which is -1 (absent) to 1 (present).
    public let amount: Double

    /// Largest absolute amount.
    public static let limit = 100.0

    /// - Parameters:
    ///   - name: attribute or direction.
    ///   - amount: number of units.
    public init(_ name: String, _ amount: Double) { (self.name, self.amount) = (name, amount) }

    /// Text such as `Smiling=+2`.
    public var text: String { "\(name)=\(Self.signed(amount))" }

    /// Number with its sign, without a fraction of zero.
    public static func signed(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        let text = rounded == rounded.rounded() ? String(format: "%.0f", rounded) : "\(rounded)"
        return rounded > 0 ? "+" + text : rounded == 0 ? "0" : text
    }
}

/// Options of edits.
public struct EditOptions: Sendable, Equatable {
    /// Latent space: `.z` or `.w`; nil for that of the directions.
    public var space: LatentPoint.Space?
    /// Other attributes that a direction leaves unchanged.
    public var scope = ConditionScope.independent
    /// Rows of w+ that are changed; nil for all.
    public var layers: ClosedRange<Int>?
    /// Whether the directions are weakened along the axes on which the identity changes most.
    public var keepsIdentity = false

    /// Creates the default options.
    public init() {}

    /// Whether the measured units of the file are those of the directions.
    var hasMeasuredUnits: Bool {
        layers == nil && !keepsIdentity && (scope == .none || scope == .independent)
    }
}

/// Edit with the vector that it moves along.
public struct ResolvedEdit: Sendable, Equatable {
    /// The request.
    public let edit: Edit
    /// Movement of a latent, or change of a label.
    public enum Target: Sendable, Equatable {
        /// Unit vector, and the distance of one unit.
        case direction(vector: [Float], unit: Double)
        /// Index of the attribute of a conditional model.
        case label(Int)
    }
    /// What changes.
    public let target: Target
    /// Attribute of the face network that the edit increases.
    public let attribute: String

    /// Creates an edit from its parts.
    public init(_ edit: Edit, _ target: Target, attribute: String) {
        (self.edit, self.target, self.attribute) = (edit, target, attribute)
    }
}

extension DirectionSet {
    /// Fraction of the squared change of the identity embedding along an axis of which `keepsIdentity` removes half.
    public static let identityBalance: Float = 0.1
    /// Smallest length of a unit vector after projections.
    private static let leastRest = 0.05

    /// Unit vector of a direction in a space.
    /// - Parameters:
    ///   - name: attribute or direction.
    ///   - space: `.z` or `.w`.
    ///   - options: scope and identity; the layers are not used.
    /// - Returns: the vector, the measured unit (nil if it depends on the options), and the own attribute.
    /// - Throws: `EditError` for an unknown name, a space without directions, or if nothing remains of the vector.
    public func vector(_ name: String, in space: LatentPoint.Space, _ options: EditOptions) throws -> (
        vector: [Float], unit: Double?, attribute: String
    ) {
        guard let found = self[space] else {
            throw EditError(
                "space \(space.rawValue): the file has directions in \(spaces.map(\.space.rawValue).joined(separator: ", "))"
                    + " only")
        }
        guard let plain = found.direction(named: name) else {
            throw EditError.unknown(
                name, among: attributes + found.unsupervised.map(\.name),
                what: "attribute or direction of this model")
        }
        let own = attributes.firstIndex(of: plain.name)
        // The scope applies to attributes. Other directions have no normal of their own.
        let scope = own == nil ? ConditionScope.none : options.scope
        if options.hasMeasuredUnits {
            let direction = scope == .none ? plain : found.conditional[own ?? 0]
            return (direction.vector, direction.unit, direction.attribute)
        }
        if !options.keepsIdentity, scope == .none || scope == .independent {
            return (scope == .none ? plain.vector : found.conditional[own ?? 0].vector, nil, plain.attribute)
        }
        let others = try own.map { try indices(of: scope, for: $0).map { found.normals[$0].vector } } ?? []
        let rest = Vectors.orthogonal(plain.vector, to: others)
        guard Vectors.norm(rest) > Self.leastRest else {
            throw EditError(
                "\(name): nothing of the direction remains after the projection; use a smaller scope (--condition)"
            )
        }
        let vector = Vectors.normalized(rest)
        return (
            options.keepsIdentity ? Vectors.normalized(found.keepingIdentity(vector)) : vector, nil,
            plain.attribute
        )
    }
}

extension SpaceDirections {
    /// Vector with smaller components along the identity axes: the direction with the smallest squared change of the embedding
    /// plus a penalty on its length, for the same component along the vector.
    func keepingIdentity(_ vector: [Float]) -> [Float] {
        var result = vector.map(Double.init)
        for (axis, share) in zip(identityAxes, identityShares) {
            let weight = Double(share) / Double(share + DirectionSet.identityBalance)
            let removed = weight * Vectors.dot(vector, axis)
            for index in result.indices { result[index] -= removed * Double(axis[index]) }
        }
        return result.map { Float($0) }
    }
}

extension LatentPoint {
    /// The latent after edits.
    /// - Parameters:
    ///   - edits: edits in the space of this latent.
    ///   - factors: factor of the amount of each edit; 0 for the original.
    ///   - layers: rows of w+ that are changed; nil for all.
    ///   - isExclusive: whether labels are classes, 0 or 1.
    /// - Throws: `EditError` for edits that do not fit the latent.
    public func edited(
        _ edits: [ResolvedEdit], factors: [Double], layers: ClosedRange<Int>? = nil, isExclusive: Bool = false
    ) throws -> LatentPoint {
        var displacements: [Displacement] = []
        var changed = self
        for (edit, factor) in zip(edits, factors) where factor != 0 {
            let amount = edit.edit.amount * factor
            switch edit.target {
            case .direction(let vector, let unit):
                displacements.append(Displacement(vector, distance: amount * unit, layers: layers))
            case .label(let index):
                guard var labels = changed.labels, labels.indices.contains(index) else {
                    throw EditError(
                        "\(edit.edit.name): the latent has no labels; use latents in space z of a conditional model"
                    )
                }
                let range: ClosedRange<Float> = isExclusive ? 0...1 : -1...1
                labels[index] = min(range.upperBound, max(range.lowerBound, labels[index] + Float(amount)))
                changed.labels = labels
            }
        }
        return try changed.moved(by: displacements)
    }
}
