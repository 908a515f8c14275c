import Settings
import Torch

/// Flattens a discriminator at the pictures themselves: R1 at real ones, R2 at generated ones (Mescheder et al. 2018,
/// equations 9 and 10).
public struct ZeroCenteredPenalty: SettingsGroup, Equatable {
    /// The paper's gamma at real pictures; 0: off.
    public var r1Gamma = 0.0
    /// The paper's gamma at generated pictures; 0: off.
    public var r2Gamma = 0.0
    public var lazy = LazyRegularization()

    public init() {}

    public init(r1Gamma: Double, r2Gamma: Double = 0) { (self.r1Gamma, self.r2Gamma) = (r1Gamma, r2Gamma) }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "r1Gamma", &r1Gamma, in: 0...1e6, "Weight of half the squared slope at real pictures; 0: off.")
        try v.number(
            "r2Gamma", &r2Gamma, in: 0...1e6,
            "Weight of half the squared slope at generated pictures; 0: off.")
        try lazy.fields(&v)
    }

    public var isOn: Bool { r1Gamma > 0 || r2Gamma > 0 }

    /// r1Gamma / 2 * mean over pictures of the critic's squared gradient; see `slope`.
    public func r1(real: Tensor, critic: (Tensor) -> Tensor) -> Tensor {
        Self.slope(at: real, critic: critic) * (r1Gamma / 2)
    }

    /// r2Gamma / 2 * mean over pictures of the critic's squared gradient; see `slope`.
    public func r2(fake: Tensor, critic: (Tensor) -> Tensor) -> Tensor {
        Self.slope(at: fake, critic: critic) * (r2Gamma / 2)
    }

    /// Mean over pictures of the squared length of the critic's gradient, with its own tape.
    /// - Parameters:
    ///   - images: [N, ...], detached.
    ///   - critic: [N, ...] to [N] logits, each of which depends on its own picture only, or [N, S] of as many critics.
    ///     Changes of the pictures that are part of the game belong inside.
    /// - Returns: [], in the type of `images`.
    public static func slope(at images: Tensor, critic: (Tensor) -> Tensor) -> Tensor {
        let leaf = images.detached().requiringGradient()
        return InputGradients.mean(at: leaf, of: critic(leaf)) { slopes in
            slopes.square().sum(Array(1..<slopes.rank)).mean()
        }
    }
}
