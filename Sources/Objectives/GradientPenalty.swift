import Settings
import Torch

/// Holds the slope of a critic between real and generated pictures at a target (Gulrajani et al. 2017, equation 3).
public struct GradientPenalty: SettingsGroup, Equatable {
    /// Which slopes are punished.
    public enum Sides: String, Sendable, CaseIterable {
        /// Both sides of the target, as in the paper.
        case both
        /// Only slopes above the target, which is all that a Lipschitz constant asks for.
        case above
    }

    /// The paper's lambda; 0 switches the penalty off.
    public var weight = 0.0
    /// The slope that is asked for.
    public var target = 1.0
    public var sides = Sides.both
    /// Weight of the mean of D(x)² over real pictures, which keeps a critic near 0 (Karras et al. 2018, appendix A.1).
    public var drift = 0.0
    public var lazy = LazyRegularization()

    public init() {}

    public init(weight: Double, target: Double = 1, sides: Sides = .both, drift: Double = 0) {
        (self.weight, self.target, self.sides, self.drift) = (weight, target, sides, drift)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("weight", &weight, in: 0...1e6, "Lambda; 0: off.")
        try v.number("target", &target, in: 0...1e6, "Slope that is asked for.")
        try v.choice("sides", &sides, "Punish slopes on both sides of the target, or only above it.")
        try v.number(
            "drift", &drift, in: 0...1e6, "Weight of the mean of D(x)² over real pictures; 0: none.")
        try lazy.fields(&v)
    }

    /// weight * mean over pictures of (norm of the critic's gradient - target)², with its own tape.
    ///
    /// At a zero gradient, where the norm has no derivative, none is taken.
    /// - Parameters:
    ///   - real: [N, ...]; also `fake`, detached.
    ///   - share: [N, 1, ...] in 0...1, uniform: how much of the mixture is real, one number for each picture.
    ///   - critic: [N, ...] to [N] logits, each of which depends on its own picture only; or [N, S] of as many critics,
    ///     of whose penalties the mean is taken.
    /// - Returns: [], in the type of `real`.
    public func callAsFunction(real: Tensor, fake: Tensor, share: Tensor, critic: (Tensor) -> Tensor)
        -> Tensor
    {
        let mixed = withoutGradients { fake.to(real.dtype).lerp(real, weight: share.to(real.dtype)) }
            .detached().requiringGradient()
        return InputGradients.mean(at: mixed, of: critic(mixed)) { slopes in
            let excess = slopes.norm(Array(1..<slopes.rank)) - target
            return (sides == .both ? excess : excess.clampedBelow(0)).square().mean()
        } * weight
    }
}
