import Settings
import Torch

/// What a regularizer of the discriminator may use.
public struct DiscriminatorContext {
    /// Real pictures [N, 3, R, R], as the discriminator sees them without augmentation.
    public let real: Tensor
    /// Generated pictures of the same shape, detached.
    public let fake: Tensor
    /// Thousands of images seen.
    public let kimg: Double
    /// Stream of interpolation weights and noise.
    public let random: RandomSource
    /// Pictures to logits [N] or [N, S], with augmentation.
    public let critic: (Tensor) -> Tensor

    public init(
        real: Tensor, fake: Tensor, kimg: Double, random: RandomSource, critic: @escaping (Tensor) -> Tensor
    ) {
        (self.real, self.fake, self.kimg) = (real, fake, kimg)
        (self.random, self.critic) = (random, critic)
    }

    /// Interpolation weights [N, 1, 1, 1], uniform in 0...1.
    var mixWeights: Tensor {
        Tensor.uniform([real.shape[0], 1, 1, 1], random: random).to(real.device)
    }
}

/// What a regularizer of the generator may use.
public struct GeneratorContext {
    /// Pictures in a batch N.
    public let count: Int
    /// Thousands of images seen.
    public let kimg: Double
    /// Stream of noise.
    public let random: RandomSource
    /// Draws latents with gradients and their pictures: w [n, ...] and [n, 3, R, R].
    public let generate: (_ count: Int) -> (w: Tensor, images: Tensor)

    public init(
        count: Int, kimg: Double, random: RandomSource,
        generate: @escaping (_ count: Int) -> (w: Tensor, images: Tensor)
    ) {
        (self.count, self.kimg, self.random, self.generate) = (count, kimg, random, generate)
    }
}

/// A term of a network's loss that is taken every `interval` steps (Karras et al. 2020, appendix B).
public struct Regularizer<Context> {
    /// Name in errors and logs.
    public let name: String
    /// Steps from one term to the next; 1: part of every step's loss.
    public let interval: Int
    /// Values below this are no spike, whatever the usual value is.
    public let minSpike: Double
    /// Tensors that the regularizer updates and a saved state keeps.
    public let state: [(key: String, tensor: Tensor)]
    /// The term, [], without the factor of the interval.
    public let loss: (Context) -> Tensor

    public init(
        _ name: String, interval: Int = 1, minSpike: Double = 1, state: [(key: String, tensor: Tensor)] = [],
        loss: @escaping (Context) -> Tensor
    ) {
        (self.name, self.interval, self.minSpike) = (name, interval, minSpike)
        (self.state, self.loss) = (state, loss)
    }

    /// Whether the step after `steps` others takes the term. The first step does.
    public func isDue(after steps: Int) -> Bool { steps % interval == 0 }

    /// The factor of the learning rate, and the exponent of the decay rates, of an optimizer that also takes the separate
    /// steps of lazy regularizers: k / (k + 1) for one of interval k.
    public static func correction(_ regularizers: [Regularizer]) -> Double {
        1 / (1 + regularizers.reduce(0) { $0 + ($1.interval == 1 ? 0 : 1 / Double($1.interval)) })
    }
}

extension GradientPenalty {
    /// This penalty as a regularizer; nil if it is off.
    public var regularizer: Regularizer<DiscriminatorContext>? {
        guard weight > 0 else { return nil }
        return Regularizer("gradient penalty", interval: lazy.every, minSpike: weight / 2) { context in
            self(
                real: context.real, fake: context.fake, share: context.mixWeights, critic: context.critic)
        }
    }
}

extension DRAGANPenalty {
    /// This penalty as a regularizer; nil if it is off.
    public var regularizer: Regularizer<DiscriminatorContext>? {
        guard weight > 0 else { return nil }
        return Regularizer("DRAGAN penalty", interval: lazy.every, minSpike: weight / 2) { context in
            let noise = Tensor.uniform(context.real.shape, random: context.random).to(context.real.device)
            return self(
                real: context.real, noise: noise, share: context.mixWeights, critic: context.critic)
        }
    }
}

extension ZeroCenteredPenalty {
    /// R1 and R2 as one regularizer; nil if both are off.
    public var regularizer: Regularizer<DiscriminatorContext>? {
        guard isOn else { return nil }
        return Regularizer(
            "zero-centered penalty", interval: lazy.every, minSpike: max(r1Gamma.maximum, r2Gamma.maximum) / 2
        ) { context in
            let terms =
                (r1Gamma.maximum > 0
                    ? [r1(real: context.real, kimg: context.kimg, critic: context.critic)] : [])
                + (r2Gamma.maximum > 0
                    ? [r2(fake: context.fake, kimg: context.kimg, critic: context.critic)] : [])
            return terms.dropFirst().reduce(terms[0]) { $0 + $1 }
        }
    }
}

/// Path-length regularization: keeps the length of a step in pictures, for a step of fixed length in w, near its moving mean
/// (Karras et al. 2020, equation 4).
public struct PathLengthPenalty: SettingsGroup, Equatable {
    /// 0 for no regularization.
    public var weight = 0.0
    /// Weight of a step's mean length in the moving mean.
    public var decay = 0.01
    /// Fraction of a batch that is used.
    public var batchShare = 0.5
    public var lazy = LazyRegularization(every: 4)

    public init() {}

    public init(weight: Double, every: Int = 4) {
        self.weight = weight
        lazy.every = every
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("weight", &weight, in: 0...1e6, "Weight, 2 in StyleGAN2; 0: off.")
        try v.number("decay", &decay, in: 0...1, "Weight of a step's mean length in the moving mean.")
        try v.number("batchShare", &batchShare, in: 0...1, "Fraction of a batch that is used.")
        try lazy.fields(&v)
    }

    /// Lengths |J^T y| of pictures with respect to w, for noise y scaled by the number of pixels.
    /// - Parameters:
    ///   - w: [N, W] or [N, L, W], with gradients.
    ///   - images: [N, 3, H, W] of w.
    ///   - noise: N(0, 1), of the shape of `images`.
    /// - Returns: [N], with gradients; for w+, the root mean square over layers.
    public static func lengths(w: Tensor, images: Tensor, noise: Tensor) -> Tensor {
        let scale = 1 / Double(images.shape[2] * images.shape[3]).squareRoot()
        let product = (images * noise.to(images.dtype) * scale).sum()
        let found = gradients(of: [product], wrt: [w], createGraph: true)[0] ?? Tensor.zeros(like: w)
        let squares = found.atLeastSingle().square()
        return (w.rank == 3 ? squares.sum([2]).mean([1]) : squares.sum([1])).sqrt()
    }

    /// This penalty as a regularizer on a device; nil if it is off.
    public func regularizer(on device: Device) -> Regularizer<GeneratorContext>? {
        guard weight > 0 else { return nil }
        let mean = Tensor.zeros([], on: device)
        return Regularizer("path length", interval: lazy.every, state: [("mean", mean)]) { context in
            let count = max(1, Int((Double(context.count) * batchShare).rounded()))
            let (w, images) = context.generate(count)
            let noise = Tensor.normal(images.shape, random: context.random).to(images.device)
            let lengths = Self.lengths(w: w, images: images, noise: noise)
            withoutGradients { mean.lerp_(lengths.mean(), weight: decay) }
            return (lengths - mean.detached()).square().mean() * weight
        }
    }
}
