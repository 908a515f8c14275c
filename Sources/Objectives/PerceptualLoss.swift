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
