import Settings
import Torch

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
