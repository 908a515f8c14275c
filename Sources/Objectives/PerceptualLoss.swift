import Settings
import Torch

/// Compares pictures by the maps of a network that stays as it is, such as VGG's (Johnson et al. 2016).
public struct PerceptualLoss: SettingsGroup, Equatable {
    /// What is compared.
    public enum Kind: String, Sendable, CaseIterable {
        /// Mean absolute difference of the maps of pairs.
        case absolute
        /// Mean squared difference of the maps of pairs.
        case squared
        /// Squared differences of each channel's mean and deviation over a batch and its positions: the form for pictures
        /// that are no pairs (moments as in Huang and Belongie 2017, equation 13, over a batch rather than a picture).
        case statistics
        /// Mean squared difference between pictures that are no pairs: what not to use, here to be compared with.
        ///
        /// Over random pairs it is the squared difference of the means plus both variances. The real variance is nobody's
        /// choice, so the generator is paid for having none: its best answer is one picture, the mean of all maps.
        case randomPairs = "random-pairs"
    }

    /// Below the variances, because a dead channel's deviation has no derivative.
    private static let epsilon = 1e-5

    public var kind = Kind.absolute
    /// 0 switches the loss off.
    public var weight = 0.0

    public init() {}

    public init(_ kind: Kind, weight: Double = 1) { (self.kind, self.weight) = (kind, weight) }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "Absolute or squared differences of pairs, statistics of batches, or random pairs, which collapse."
        )
        try v.number("weight", &weight, in: 0...1e6, "Weight in the generator's loss; 0: off.")
    }

    /// Whether the n-th generated picture must show what the n-th real one does.
    public var isPaired: Bool { kind == .absolute || kind == .squared }

    /// weight * mean over maps.
    /// - Parameters:
    ///   - fake: maps [N, C, ...] of generated pictures.
    ///   - real: as many, of real pictures; N may differ for `statistics`. No gradient flows to them.
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

    /// All dimensions but the channels.
    private static func pooled(_ map: Tensor) -> [Int] { (0..<map.rank).filter { $0 != 1 } }

    private static func means(_ map: Tensor) -> Tensor { map.mean(pooled(map)) }

    private static func deviations(_ map: Tensor) -> Tensor { (map.variance(pooled(map)) + epsilon).sqrt() }
}

/// Makes a generator match what a discriminator sees in real pictures, by its inner maps.
public struct FeatureMatching: SettingsGroup, Equatable {
    /// What is compared.
    public enum Kind: String, Sendable, CaseIterable {
        /// Squared length of the difference of batch means (Salimans et al. 2016, section 3.1).
        case means
        /// Mean absolute difference of batch means, as the code of that paper has it for pictures.
        case absoluteMeans = "absolute-means"
        /// Mean absolute difference, picture by picture (Wang et al. 2018, equation 4): only for pairs.
        case maps
    }

    public var kind = Kind.means
    /// 0 switches the loss off.
    public var weight = 0.0

    public init() {}

    public init(_ kind: Kind, weight: Double = 1) { (self.kind, self.weight) = (kind, weight) }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind, "Squared or absolute difference of batch means, or of the maps of paired pictures."
        )
        try v.number("weight", &weight, in: 0...1e6, "Weight in the generator's loss; 0: off.")
    }

    /// weight * mean over maps.
    /// - Parameters:
    ///   - fake: maps [N, ...] of generated pictures.
    ///   - real: as many, of real pictures, of the same shapes but for N; no gradient flows to them.
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

/// What losses over lists of maps have in common.
enum MapLoss {
    /// Mean over maps of `loss(fake, real)`, in at least single precision; the real maps are detached.
    static func mean(
        _ fake: [Tensor], _ real: [Tensor], paired: Bool, _ name: String, _ loss: (Tensor, Tensor) -> Tensor
    ) -> Tensor {
        require(
            !fake.isEmpty && fake.count == real.count,
            "\(name): expected as many maps of both, got \(fake.count) and \(real.count)")
        let losses = zip(fake, real).map { fake, real in
            let skipped = paired ? 0 : 1
            require(
                fake.shape.dropFirst(skipped) == real.shape.dropFirst(skipped),
                "\(name): expected maps of one shape, got \(fake.summary) and \(real.summary)")
            return loss(fake.atLeastSingle(), real.detached().atLeastSingle())
        }
        return losses.dropFirst().reduce(losses[0]) { $0 + $1 } / Double(losses.count)
    }
}
