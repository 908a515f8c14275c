import Torch

/// Batch normalization over N, H, W of [N, C, H, W] or over N of [N, C] (Ioffe and Szegedy 2015).
///
/// Training mode uses the statistics of the batch and updates the running statistics. Evaluation mode uses the running
/// statistics.
public final class BatchNorm2d: Layer {
    /// Scale, [C].
    public let weight: Parameter
    /// Shift, [C].
    public let bias: Parameter
    /// Running mean, [C].
    public let runningMean: Buffer
    /// Running unbiased variance, [C].
    public let runningVar: Buffer
    /// Number of batches in training mode, Int64, shape []; part of PyTorch's state dictionaries.
    public let numBatchesTracked: Buffer
    private let momentum: Double
    private let epsilon: Double
    private let deviation: Double

    /// Creates a layer for C = `channels`.
    /// - Parameters:
    ///   - channels: number of channels C.
    ///   - momentum: weight of the batch in the running statistics (1 - momentum in TensorFlow).
    ///   - epsilon: term added to the variance.
    ///   - deviation: standard deviation of the initial scale around 1; DCGAN uses 0.02.
    public init(_ channels: Int, momentum: Double = 0.1, epsilon: Double = 1e-5, deviation: Double = 0) {
        weight = Parameter(onesOf: [channels])
        bias = Parameter(shape: [channels])
        runningMean = Buffer(Tensor.zeros([channels]))
        runningVar = Buffer(Tensor.ones([channels]))
        numBatchesTracked = Buffer(Tensor.zeros([], dtype: .int64))
        (self.momentum, self.epsilon, self.deviation) = (momentum, epsilon, deviation)
    }

    /// Applies the layer: [N, C, H, W] or [N, C] to the same shape. In training mode updates the running statistics.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        if isTraining { countBatch(numBatchesTracked) }
        return input.batchNorm(
            weight: weight.value, bias: bias.value, runningMean: running(runningMean),
            runningVariance: running(runningVar), training: isTraining, momentum: momentum, epsilon: epsilon)
    }

    /// Applies the layer and a leaky ReLU in one operator: [N, C, H, W] to [N, C, H, W].
    /// - Parameters:
    ///   - input: [N, C, H, W].
    ///   - slope: factor for negative values; 0 is ReLU.
    public func callAsFunction(_ input: Tensor, slope: Double) -> Tensor {
        guard isTraining, !Kernels.isPlain else {
            let result = self(input)
            result.leakyReLU_(slope)
            return result
        }
        countBatch(numBatchesTracked)
        return input.activatedBatchNorm(
            weight: weight.value, bias: bias.value, runningMean: running(runningMean),
            runningVariance: running(runningVar), momentum: momentum, epsilon: epsilon, slope: slope)
    }

    /// Applies the layer, a leaky ReLU and the convolution `next` in one operator; shapes as in `next`.
    /// - Returns: nil if `next` is not a convolution with one group, in evaluation mode, and with plain kernels.
    func callAsFunction(_ input: Tensor, slope: Double, then next: Layer) -> Tensor? {
        guard isTraining, !Kernels.isPlain, let convolution = FoldedConvolution(next) else { return nil }
        countBatch(numBatchesTracked)
        return input.convolvedBatchNorm(
            scale: weight.value, shift: bias.value, runningMean: running(runningMean),
            runningVariance: running(runningVar), momentum: momentum, epsilon: epsilon, slope: slope,
            weight: convolution.weight, bias: convolution.bias, stride: convolution.stride,
            padding: convolution.padding, outputPadding: convolution.outputPadding,
            transposed: convolution.isTransposed)
    }

    /// Scale and shift, both [C], of the affine map x * scale + shift that the layer applies in evaluation mode.
    package var folded: (scale: Tensor, shift: Tensor) {
        let scale = weight.value * (runningVar.value + epsilon).rsqrt()
        return (scale, bias.value - runningMean.value * scale)
    }

    /// Sets the scale to N(1, deviation) and the shift to 0. The running statistics are unchanged.
    public override func initialize(_ random: RandomSource) {
        withoutGradients {
            if deviation > 0 {
                Initializer.fillDense(weight.value) {
                    $0.normal_(mean: 1, deviation: deviation, random: random)
                }
            } else {
                weight.value.fill_(1)
            }
            bias.value.zero_()
        }
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(weight.value.count), momentum \(momentum), epsilon \(epsilon)" }
}

/// Batch normalization with a scale and shift that are linear in a condition vector (de Vries et al. 2017).
///
/// The initial scale is 1 and the initial shift 0 for every condition. Statistics as in `BatchNorm2d`.
public final class ConditionalBatchNorm2d: Module {
    /// Linear map from the condition [N, K] to scale - 1, [N, C].
    public let scale: Linear
    /// Linear map from the condition [N, K] to the shift, [N, C].
    public let shift: Linear
    /// Running mean, [C].
    public let runningMean: Buffer
    /// Running unbiased variance, [C].
    public let runningVar: Buffer
    /// Number of batches in training mode, Int64, shape [].
    public let numBatchesTracked: Buffer
    private let momentum: Double
    private let epsilon: Double

    /// Creates a layer for C = `channels` and K = `conditions`.
    /// - Parameters:
    ///   - channels: number of channels C.
    ///   - conditions: length K of the condition vector.
    ///   - momentum: weight of the batch in the running statistics.
    ///   - epsilon: term added to the variance.
    public init(_ channels: Int, conditions: Int, momentum: Double = 0.1, epsilon: Double = 1e-5) {
        scale = Linear(conditions, channels, initializer: .zeros)
        shift = Linear(conditions, channels, initializer: .zeros)
        runningMean = Buffer(Tensor.zeros([channels]))
        runningVar = Buffer(Tensor.ones([channels]))
        numBatchesTracked = Buffer(Tensor.zeros([], dtype: .int64))
        (self.momentum, self.epsilon) = (momentum, epsilon)
    }

    /// Applies the layer.
    /// - Parameters:
    ///   - input: [N, C, H, W] or [N, C].
    ///   - condition: [N, K].
    /// - Returns: a tensor of the shape of `input`.
    public func callAsFunction(_ input: Tensor, _ condition: Tensor) -> Tensor {
        require(
            condition.rank == 2 && condition.shape[0] == input.shape[0],
            "ConditionalBatchNorm2d: expected a condition [\(input.shape[0]), K] for \(input.summary), got \(condition.summary)"
        )
        if isTraining { countBatch(numBatchesTracked) }
        let normal = input.batchNorm(
            weight: nil, bias: nil, runningMean: running(runningMean), runningVariance: running(runningVar),
            training: isTraining, momentum: momentum, epsilon: epsilon)
        let shape = Array(input.shape[0..<2]) + [Int](repeating: 1, count: input.rank - 2)
        return normal * (scale(condition).reshape(shape) + 1) + shift(condition).reshape(shape)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        "\(runningMean.value.count) of \(scale.weight.value.shape[1]), momentum \(momentum), epsilon \(epsilon)"
    }
}

// With gradient checkpointing a batch is computed twice but counts once.
extension Module {
    /// Running statistic for a normalization to update; a copy during recomputation, when it is already up to date.
    func running(_ buffer: Buffer) -> Tensor {
        isTraining && Recompute.isActive ? buffer.value.cloned() : buffer.value
    }

    /// Adds 1 to a batch count, unless this is a recomputation.
    func countBatch(_ tracked: Buffer) {
        if Recompute.isActive { return }
        withoutGradients { tracked.value.add_(Tensor.ones(like: tracked.value)) }
    }
}
