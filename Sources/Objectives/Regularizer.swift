import Settings
import Torch

/// Inputs of a regularizer of the discriminator.
public struct DiscriminatorContext {
    /// Real pictures [N, 3, R, R], not augmented.
    public let real: Tensor
    /// Generated pictures of the same shape, detached.
    public let fake: Tensor
    /// Current value of a scheduled number.
    public let value: (Scheduled<Double>) -> Factor
    /// Stream of interpolation weights and noise.
    public let random: RandomSource
    /// Discriminator with augmentation: pictures to logits [N] or [N, S].
    public let critic: (Tensor) -> Tensor

    /// Creates a context from real and generated pictures [N, 3, R, R].
    public init(
        real: Tensor, fake: Tensor, random: RandomSource, value: @escaping (Scheduled<Double>) -> Factor,
        critic: @escaping (Tensor) -> Tensor
    ) {
        (self.real, self.fake, self.value) = (real, fake, value)
        (self.random, self.critic) = (random, critic)
    }

    /// Interpolation weights [N, 1, 1, 1], uniform in 0...1.
    var mixWeights: Tensor {
        Tensor.uniform([real.shape[0], 1, 1, 1], random: random).to(real.device)
    }
}

/// Inputs of a regularizer of the generator.
public struct GeneratorContext {
    /// Number of pictures N of a batch.
    public let count: Int
    /// Stream of noise.
    public let random: RandomSource
    /// Draws n latents that require gradients and generates their pictures: w [n, W] or [n, L, W], pictures
    /// [n, 3, R, R].
    public let generate: (_ count: Int) -> (w: Tensor, images: Tensor)

    /// Creates a context. `generate` returns w [n, ...] and pictures [n, 3, R, R].
    public init(
        count: Int, random: RandomSource,
        generate: @escaping (_ count: Int) -> (w: Tensor, images: Tensor)
    ) {
        (self.count, self.random, self.generate) = (count, random, generate)
    }
}

/// Loss term of a network that is computed every `interval` steps (Karras et al. 2020, arXiv:1912.04958, appendix B).
public struct Regularizer<Context> {
    /// Name in errors and logs.
    public let name: String
    /// Interval, in steps; 1: part of the loss of every step.
    public let interval: Int
    /// Minimum value of a spike. Smaller values are never reported, whatever the usual value is.
    public let minSpike: Double
    /// Tensors that the regularizer updates and that are saved with the run.
    public let state: [(key: String, tensor: Tensor)]
    /// Computes the term, [], without the factor of the interval.
    public let loss: (Context) -> Tensor

    /// Creates a regularizer.
    /// - Parameters:
    ///   - name: name in errors and logs.
    ///   - interval: interval, in steps.
    ///   - minSpike: minimum value of a spike.
    ///   - state: tensors that the regularizer updates, of any shape.
    ///   - loss: computes the term, [].
    public init(
        _ name: String, interval: Int = 1, minSpike: Double = 1, state: [(key: String, tensor: Tensor)] = [],
        loss: @escaping (Context) -> Tensor
    ) {
        (self.name, self.interval, self.minSpike) = (name, interval, minSpike)
        (self.state, self.loss) = (state, loss)
    }

    /// Whether the term is part of the step after `steps` steps. It is part of the first step.
    public func isDue(after steps: Int) -> Bool { steps % interval == 0 }

    /// Correction of the optimizer for the separate steps of lazy regularizers: factor of the learning rate and
    /// exponent of the decay rates. k / (k + 1) for one regularizer of interval k.
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
                    ? [r1(real: context.real, gamma: context.value(r1Gamma), critic: context.critic)] : [])
                + (r2Gamma.maximum > 0
                    ? [r2(fake: context.fake, gamma: context.value(r2Gamma), critic: context.critic)] : [])
            return terms.dropFirst().reduce(terms[0]) { $0 + $1 }
        }
    }
}

/// Path length regularization: keeps the gradient norm of pictures with respect to w near its moving average (Karras
/// et al. 2020, arXiv:1912.04958, equation 4).
public struct PathLengthPenalty: SettingsGroup, Equatable {
    /// Weight; 0: off.
    public var weight = 0.0
    /// Weight of the mean length of a step in the moving average.
    public var decay = 0.01
    /// Fraction of a batch that is used.
    public var batchShare = 0.5
    /// Interval of the penalty.
    public var lazy = LazyRegularization(every: 4)

    /// Creates a penalty that is off.
    public init() {}

    /// Creates a penalty with a weight and an interval in steps.
    public init(weight: Double, every: Int = 4) {
        self.weight = weight
        lazy.every = every
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("weight", &weight, in: 0...1e6, "Weight; 2 in StyleGAN2; 0: off.")
        try v.number("decay", &decay, in: 0...1, "Weight of the mean length of a step in the moving average.")
        try v.number("batchShare", &batchShare, in: 0...1, "Fraction of a batch that is used.")
        try lazy.fields(&v)
    }

    /// Path lengths |J^T y|, where J is the Jacobian of a picture with respect to w and y is noise, scaled by 1 /
    /// sqrt(H W).
    /// - Parameters:
    ///   - w: [N, W] or [N, L, W], requires gradients.
    ///   - images: pictures [N, 3, H, W] of w.
    ///   - noise: N(0, 1), of the shape of `images`.
    /// - Returns: [N], with gradients; for w+, the root mean square over layers.
    public static func lengths(w: Tensor, images: Tensor, noise: Tensor) -> Tensor {
        let scale = 1 / Double(images.shape[2] * images.shape[3]).squareRoot()
        let product = (images * noise.to(images.dtype) * scale).sum()
        let jacobianProduct =
            gradients(of: [product], wrt: [w], createGraph: true)[0] ?? Tensor.zeros(like: w)
        let squares = jacobianProduct.atLeastSingle().square()
        return (w.rank == 3 ? squares.sum([2]).mean([1]) : squares.sum([1])).sqrt()
    }

    /// This penalty as a regularizer; nil if it is off.
    /// - Parameter device: device of the moving average.
    public func regularizer(on device: Device) -> Regularizer<GeneratorContext>? {
        guard weight > 0 else { return nil }
        let mean = Tensor.zeros([], on: device)
        return Regularizer("path length", interval: lazy.every, state: [("mean", mean)]) { context in
            let count = max(1, Int((Double(context.count) * batchShare).rounded()))
            let (w, images) = context.generate(count)
            let noise = Tensor.normal(images.shape, random: context.random).to(images.device)
            let lengths = Self.lengths(w: w, images: images, noise: noise)
            // As in the authors' code, the mean in the penalty has gradients; the stored one has none.
            let updated = mean.lerp(lengths.mean(), weight: decay)
            withoutGradients { mean.copy_(updated.detached()) }
            return (lengths - updated).square().mean() * weight
        }
    }
}
