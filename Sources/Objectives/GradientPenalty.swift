import Foundation
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

/// Holds the slope of a discriminator around real pictures at a target (Kodali et al. 2017, arXiv:1705.07215).
public struct DRAGANPenalty: SettingsGroup, Equatable {
    /// The paper's lambda; 0 switches the penalty off.
    public var weight = 0.0
    /// The paper's k, the slope that is asked for.
    public var target = 1.0
    /// Largest step away from a picture, in standard deviations of the batch.
    public var reach = 0.5
    public var lazy = LazyRegularization()

    public init() {}

    public init(weight: Double, target: Double = 1, reach: Double = 0.5) {
        (self.weight, self.target, self.reach) = (weight, target, reach)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("weight", &weight, in: 0...1e6, "Lambda; 0: off.")
        try v.number("target", &target, in: 0...1e6, "Slope that is asked for.")
        try v.number(
            "reach", &reach, in: 0...100, "Largest step away from a picture, in deviations of the batch.")
        try lazy.fields(&v)
    }

    /// weight * mean over pictures of (norm of the gradient - target)² at x + reach * deviation * (1 - share) * noise.
    /// - Parameters:
    ///   - real: [N, ...], detached.
    ///   - noise: [N, ...] in 0...1, uniform, as the authors' code has it (the paper's text says normal).
    ///   - share: [N, 1, ...] in 0...1, uniform: how little of the step is taken, one number for each picture.
    ///   - critic: [N, ...] to [N] logits, each of which depends on its own picture only.
    /// - Returns: [], in the type of `real`.
    public func callAsFunction(real: Tensor, noise: Tensor, share: Tensor, critic: (Tensor) -> Tensor)
        -> Tensor
    {
        let farthest = withoutGradients {
            real + noise.to(real.dtype) * (real.standardDeviation(unbiased: false) * reach)
        }
        return GradientPenalty(weight: weight, target: target)(
            real: real, fake: farthest, share: share, critic: critic)
    }
}

/// Flattens a discriminator at the pictures themselves: R1 at real ones, R2 at generated ones (Mescheder et al. 2018,
/// equations 9 and 10).
public struct ZeroCenteredPenalty: SettingsGroup, Equatable {
    /// The paper's gamma at real pictures; 0: off.
    public var r1Gamma = Scheduled(0.0)
    /// The paper's gamma at generated pictures; 0: off.
    public var r2Gamma = Scheduled(0.0)
    public var lazy = LazyRegularization()

    public init() {}

    public init(r1Gamma: Double, r2Gamma: Double = 0) {
        (self.r1Gamma, self.r2Gamma) = (Scheduled(r1Gamma), Scheduled(r2Gamma))
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.scheduled(
            "r1Gamma", &r1Gamma, in: 0...1e6,
            "Weight of half the squared gradient at real pictures; 0: off.")
        try v.scheduled(
            "r2Gamma", &r2Gamma, in: 0...1e6,
            "Weight of half the squared gradient at generated pictures; 0: off.")
        try lazy.fields(&v)
    }

    public var isOn: Bool { r1Gamma.maximum > 0 || r2Gamma.maximum > 0 }

    /// r1Gamma / 2 * mean over pictures of the critic's squared gradient; see `slope`.
    public func r1(real: Tensor, kimg: Double = 0, critic: (Tensor) -> Tensor) -> Tensor {
        Self.slope(at: real, critic: critic) * (r1Gamma.value(atKimg: kimg) / 2)
    }

    /// r2Gamma / 2 * mean over pictures of the critic's squared gradient; see `slope`.
    public func r2(fake: Tensor, kimg: Double = 0, critic: (Tensor) -> Tensor) -> Tensor {
        Self.slope(at: fake, critic: critic) * (r2Gamma.value(atKimg: kimg) / 2)
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

/// Slopes of critics at pictures, for penalties.
enum InputGradients {
    /// The mean over critics of what `penalty` makes of each one's own slopes: of their mean, two steep critics could make a
    /// level one.
    /// - Parameters:
    ///   - leaf: [N, ...] with its own tape.
    ///   - logits: [N] of `leaf`, each of its own picture only; or [N, S] of as many critics.
    ///   - penalty: of slopes of the shape of `leaf`.
    static func mean(at leaf: Tensor, of logits: Tensor, _ penalty: (Tensor) -> Tensor) -> Tensor {
        let parts = logits.rank == 1 ? [logits] : (0..<logits.shape[1]).map { logits.select(1, $0) }
        let penalties = parts.map { part in
            // A sum of logits has each picture's own gradient.
            penalty(gradients(of: [part.sum()], wrt: [leaf], createGraph: true)[0]!)
        }
        return Tensor.stacked(penalties, 0).mean()
    }
}

/// A penalty in every k-th step only, with its own step of the optimizer (Karras et al. 2020, appendix B).
public struct LazyRegularization: SettingsGroup, Equatable {
    /// Steps from one penalty to the next; 1: part of every step's loss.
    public var every = 1

    public init() {}

    public init(every: Int) { self.every = every }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "every", &every, in: 1...10_000, "Steps from one penalty to the next; 1: in every step.")
    }
}
