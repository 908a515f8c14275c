import Foundation
import Settings
import Torch

/// Penalty on the gradient norm of a critic between real and generated pictures (WGAN-GP, Gulrajani et al. 2017,
/// equation 3).
public struct GradientPenalty: SettingsGroup, Equatable {
    /// Gradient norms that are penalized.
    public enum Sides: String, Sendable, CaseIterable {
        /// Norms on both sides of the target, as in the paper.
        case both
        /// Only norms above the target, which suffices for a Lipschitz constraint.
        case above
    }

    /// Weight, lambda in the paper; 0: off.
    public var weight = 0.0
    /// Target of the gradient norm.
    public var target = 1.0
    /// Gradient norms that are penalized.
    public var sides = Sides.both
    /// Weight of the mean of D(x)² over real pictures, which keeps the output of a critic near 0 (Karras et al. 2018,
    /// appendix A.1).
    public var drift = 0.0
    /// Interval of the penalty.
    public var lazy = LazyRegularization()

    /// Creates a penalty that is off.
    public init() {}

    /// Creates a penalty with a weight and a target of the gradient norm.
    public init(weight: Double, target: Double = 1, sides: Sides = .both, drift: Double = 0) {
        (self.weight, self.target, self.sides, self.drift) = (weight, target, sides, drift)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("weight", &weight, in: 0...1e6, "Weight (lambda); 0: off.")
        try v.number("target", &target, in: 0...1e6, "Target of the gradient norm.")
        try v.choice(
            "sides", &sides, "Penalize gradient norms on both sides of the target, or only above it.")
        try v.number(
            "drift", &drift, in: 0...1e6, "Weight of the mean of D(x)² over real pictures; 0: none.")
        try lazy.fields(&v)
    }

    /// weight * mean over pictures of (|gradient of the critic| - target)², computed with a graph for second
    /// derivatives.
    ///
    /// The derivative of the norm at zero is defined as zero.
    /// - Parameters:
    ///   - real: real pictures, [N, ...], detached.
    ///   - fake: generated pictures of the same shape, detached.
    ///   - share: weight of the real picture in each mixture, [N, 1, ...], uniform in 0...1.
    ///   - critic: [N, ...] to logits [N], each of which depends on its own picture only; or to [N, S] of S critics,
    ///     whose penalties are averaged.
    /// - Returns: [], in the type of `real`.
    public func callAsFunction(real: Tensor, fake: Tensor, share: Tensor, critic: (Tensor) -> Tensor)
        -> Tensor
    {
        let mixed = withoutGradients { fake.to(real.dtype).lerp(real, weight: share.to(real.dtype)) }
            .detached().requiringGradient()
        return InputGradients.mean(at: mixed, of: critic(mixed)) { gradients in
            let excess = gradients.norm(Array(1..<gradients.rank)) - target
            return (sides == .both ? excess : excess.clampedBelow(0)).square().mean()
        } * weight
    }
}

/// Penalty on the gradient norm of a discriminator around real pictures (DRAGAN, Kodali et al. 2017,
/// arXiv:1705.07215).
public struct DRAGANPenalty: SettingsGroup, Equatable {
    /// Weight, lambda in the paper; 0: off.
    public var weight = 0.0
    /// Target of the gradient norm, k in the paper.
    public var target = 1.0
    /// Maximum distance from a picture, in standard deviations of the batch.
    public var reach = 0.5
    /// Interval of the penalty.
    public var lazy = LazyRegularization()

    /// Creates a penalty that is off.
    public init() {}

    /// Creates a penalty with a weight, a target of the gradient norm and a maximum distance.
    public init(weight: Double, target: Double = 1, reach: Double = 0.5) {
        (self.weight, self.target, self.reach) = (weight, target, reach)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("weight", &weight, in: 0...1e6, "Weight (lambda); 0: off.")
        try v.number("target", &target, in: 0...1e6, "Target of the gradient norm.")
        try v.number(
            "reach", &reach, in: 0...100,
            "Maximum distance from a picture, in standard deviations of the batch.")
        try lazy.fields(&v)
    }

    /// weight * mean over pictures of (|gradient| - target)² at x + reach * deviation * (1 - share) * noise.
    /// - Parameters:
    ///   - real: real pictures x, [N, ...], detached.
    ///   - noise: [N, ...], uniform in 0...1 as in the authors' code. The paper describes it as normal.
    ///   - share: [N, 1, ...], uniform in 0...1.
    ///   - critic: [N, ...] to logits [N], each of which depends on its own picture only.
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

/// Zero-centered gradient penalties of a discriminator: R1 at real and R2 at generated pictures (Mescheder et al.
/// 2018, arXiv:1801.04406, equations 9 and 10).
public struct ZeroCenteredPenalty: SettingsGroup, Equatable {
    /// Weight gamma at real pictures; 0: off.
    public var r1Gamma = Scheduled(0.0)
    /// Weight gamma at generated pictures; 0: off.
    public var r2Gamma = Scheduled(0.0)
    /// Interval of the penalties.
    public var lazy = LazyRegularization()

    /// Creates penalties that are off.
    public init() {}

    /// Creates penalties with constant weights.
    public init(r1Gamma: Double, r2Gamma: Double = 0) {
        (self.r1Gamma, self.r2Gamma) = (Scheduled(r1Gamma), Scheduled(r2Gamma))
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.scheduled(
            "r1Gamma", &r1Gamma, in: 0...1e6,
            "Weight of half the squared gradient at real pictures; 0: off.")
        try v.scheduled(
            "r2Gamma", &r2Gamma, in: 0...1e6,
            "Weight of half the squared gradient at generated pictures; 0: off.")
        try lazy.fields(&v)
    }

    /// Whether R1 or R2 is on at any time.
    public var isOn: Bool { r1Gamma.maximum > 0 || r2Gamma.maximum > 0 }

    /// R1: r1Gamma / 2 * mean over pictures of the squared gradient norm, [].
    /// - Parameters:
    ///   - real: real pictures, [N, ...].
    ///   - gamma: current weight; nil for that at the start of the training.
    ///   - critic: see `slope(at:critic:)`.
    public func r1(real: Tensor, gamma: Factor? = nil, critic: (Tensor) -> Tensor) -> Tensor {
        Self.slope(at: real, critic: critic) * (gamma ?? .number(r1Gamma.value(atKimg: 0))).scaled(by: 0.5)
    }

    /// R2: r2Gamma / 2 * mean over pictures of the squared gradient norm, [].
    /// - Parameters:
    ///   - fake: generated pictures, [N, ...].
    ///   - gamma: current weight; nil for that at the start of the training.
    ///   - critic: see `slope(at:critic:)`.
    public func r2(fake: Tensor, gamma: Factor? = nil, critic: (Tensor) -> Tensor) -> Tensor {
        Self.slope(at: fake, critic: critic) * (gamma ?? .number(r2Gamma.value(atKimg: 0))).scaled(by: 0.5)
    }

    /// Mean over pictures of the squared gradient norm of a critic, computed with a graph for second derivatives.
    /// - Parameters:
    ///   - images: [N, ...], detached.
    ///   - critic: [N, ...] to logits [N], each of which depends on its own picture only; or to [N, S] of S critics.
    ///     It includes augmentation, if any.
    /// - Returns: [], in the type of `images`.
    public static func slope(at images: Tensor, critic: (Tensor) -> Tensor) -> Tensor {
        let leaf = images.detached().requiringGradient()
        return InputGradients.mean(at: leaf, of: critic(leaf)) { gradients in
            gradients.square().sum(Array(1..<gradients.rank)).mean()
        }
    }
}

/// Gradients of critics with respect to pictures, for penalties.
enum InputGradients {
    /// Mean over critics of the penalty on the gradients of each critic. Gradients of different critics are not
    /// averaged, because they could cancel.
    /// - Parameters:
    ///   - leaf: pictures [N, ...] that require gradients.
    ///   - logits: [N] of `leaf`, each of its own picture only; or [N, S] of S critics.
    ///   - penalty: function of the gradients, which have the shape of `leaf`.
    static func mean(at leaf: Tensor, of logits: Tensor, _ penalty: (Tensor) -> Tensor) -> Tensor {
        let parts = logits.rank == 1 ? [logits] : (0..<logits.shape[1]).map { logits.select(1, $0) }
        let penalties = parts.map { part in
            // The gradient of the sum contains the gradient of each picture.
            penalty(gradients(of: [part.sum()], wrt: [leaf], createGraph: true)[0]!)
        }
        return Tensor.stacked(penalties, 0).mean()
    }
}

/// Lazy regularization: a penalty in every k-th step, with a separate optimizer step (Karras et al. 2020,
/// arXiv:1912.04958, appendix B).
public struct LazyRegularization: SettingsGroup, Equatable {
    /// Interval, in steps; 1: part of the loss of every step.
    public var every = 1

    /// Creates an interval of 1.
    public init() {}

    /// Creates an interval in steps.
    public init(every: Int) { self.every = every }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "every", &every, in: 1...10_000, "Interval of the penalty, in steps; 1: in every step.")
    }
}
