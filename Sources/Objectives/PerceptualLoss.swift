import Settings
import Torch

/// Distance of pictures on the feature maps of a fixed network, such as VGG (Johnson et al. 2016, arXiv:1603.08155).
public struct PerceptualLoss: SettingsGroup, Equatable {
    /// Form of the distance.
    public enum Kind: String, Sendable, CaseIterable {
        /// Mean absolute difference of the maps of pairs.
        case absolute
        /// Mean squared difference of the maps of pairs.
        case squared
        /// Squared differences of mean and standard deviation per channel, over the batch and all positions, for
        /// unpaired pictures (Huang and Belongie 2017, equation 13, over a batch instead of a picture).
        case statistics
        /// Mean squared difference of unpaired pictures. Only for comparison, because it causes mode collapse.
        ///
        /// Its expectation is the squared difference of the means plus both variances. The generator minimizes it by
        /// reducing its variance to zero.
        case randomPairs = "random-pairs"
    }

    /// Added to variances, because the standard deviation has no derivative at zero.
    private static let epsilon = 1e-5

    /// Form of the distance.
    public var kind = Kind.absolute
    /// Weight in the loss of the generator; 0: off.
    public var weight = 0.0

    /// Creates a loss that is off.
    public init() {}

    /// Creates a loss of a kind with a weight.
    public init(_ kind: Kind, weight: Double = 1) { (self.kind, self.weight) = (kind, weight) }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "Absolute or squared differences of pairs, batch statistics, or random pairs (which cause mode collapse)."
        )
        try v.number("weight", &weight, in: 0...1e6, "Weight in the loss of the generator; 0: off.")
    }

    /// Whether the n-th generated picture is compared with the n-th real one as its target.
    public var isPaired: Bool { kind == .absolute || kind == .squared }

    /// weight * mean of the distances over maps.
    /// - Parameters:
    ///   - fake: maps [N, C, ...] of generated pictures.
    ///   - real: corresponding maps of real pictures. N may differ for `statistics`. They are detached.
    /// - Returns: [].
    public func callAsFunction(fake: [Tensor], real: [Tensor]) -> Tensor {
        MapLoss.mean(fake, real, paired: kind != .statistics, "perceptual loss") { fake, real in
            switch kind {
            case .absolute: fake.meanAbsoluteError(real)
            case .squared, .randomPairs: fake.meanSquaredError(real)
            case .statistics:
                (Self.means(fake) - Self.means(real)).square().mean()
                    + (Self.deviations(fake) - Self.deviations(real)).square().mean()
            }
        } * weight
    }

    /// All dimensions except the channels.
    private static func reducedDimensions(_ map: Tensor) -> [Int] { (0..<map.rank).filter { $0 != 1 } }

    private static func means(_ map: Tensor) -> Tensor { map.mean(reducedDimensions(map)) }

    private static func deviations(_ map: Tensor) -> Tensor {
        (map.variance(reducedDimensions(map)) + epsilon).sqrt()
    }
}

/// Feature matching: distance of generated and real pictures on the feature maps of the discriminator.
public struct FeatureMatching: SettingsGroup, Equatable {
    /// Form of the distance.
    public enum Kind: String, Sendable, CaseIterable {
        /// Squared Euclidean distance of batch means (Salimans et al. 2016, section 3.1).
        case means
        /// Mean absolute difference of batch means, as in the code of Salimans et al. for pictures.
        case absoluteMeans = "absolute-means"
        /// Mean absolute difference of the maps of pairs (Wang et al. 2018, equation 4).
        case maps
    }

    /// Form of the distance.
    public var kind = Kind.means
    /// Weight in the loss of the generator; 0: off.
    public var weight = 0.0

    /// Creates a loss that is off.
    public init() {}

    /// Creates a loss of a kind with a weight.
    public init(_ kind: Kind, weight: Double = 1) { (self.kind, self.weight) = (kind, weight) }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "Squared or absolute difference of batch means, or absolute difference of the maps of pairs."
        )
        try v.number("weight", &weight, in: 0...1e6, "Weight in the loss of the generator; 0: off.")
    }

    /// weight * mean of the distances over maps.
    /// - Parameters:
    ///   - fake: maps [N, ...] of generated pictures.
    ///   - real: corresponding maps of real pictures, whose shapes may differ in N. They are detached.
    /// - Returns: [].
    public func callAsFunction(fake: [Tensor], real: [Tensor]) -> Tensor {
        MapLoss.mean(fake, real, paired: kind == .maps, "feature matching") { fake, real in
            switch kind {
            case .means: (fake.mean([0]) - real.mean([0])).square().sum()
            case .absoluteMeans: (fake.mean([0]) - real.mean([0])).abs().mean()
            case .maps: fake.meanAbsoluteError(real)
            }
        } * weight
    }
}

/// Shared implementation of losses over lists of maps.
enum MapLoss {
    /// Mean over maps of `loss(fake, real)`, [], in at least single precision. Real maps are detached.
    static func mean(
        _ fake: [Tensor], _ real: [Tensor], paired: Bool, _ name: String, _ loss: (Tensor, Tensor) -> Tensor
    ) -> Tensor {
        require(
            !fake.isEmpty && fake.count == real.count,
            "\(name): expected equally many maps of generated and real pictures, got \(fake.count) and \(real.count)"
        )
        let losses = zip(fake, real).map { fake, real in
            let batchDimensions = paired ? 0 : 1
            require(
                fake.shape.dropFirst(batchDimensions) == real.shape.dropFirst(batchDimensions),
                "\(name): expected maps of the same shape, got \(fake.summary) and \(real.summary)")
            return loss(fake.atLeastSingle(), real.detached().atLeastSingle())
        }
        return losses.dropFirst().reduce(losses[0]) { $0 + $1 } / Double(losses.count)
    }
}
