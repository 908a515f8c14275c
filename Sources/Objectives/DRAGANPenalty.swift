import Settings
import Torch

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
