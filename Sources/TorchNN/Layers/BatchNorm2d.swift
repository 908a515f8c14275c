import Torch

/// Batch normalization over N, H, W of [N, C, H, W] or over N of [N, C] (Ioffe and Szegedy 2015).
///
/// Training uses the batch's statistics and moves the running ones; use takes the running ones.
public final class BatchNorm2d: Layer {
    /// Scale, [C].
    public let weight: Parameter
    /// Shift, [C].
    public let bias: Parameter
    /// [C].
    public let runningMean: Buffer
    /// Unbiased, [C].
    public let runningVar: Buffer
    /// Batches seen, Int64, shape []; kept for PyTorch's state dictionaries.
    public let numBatchesTracked: Buffer
    private let momentum: Double
    private let epsilon: Double
    private let deviation: Double

    /// - Parameters:
    ///   - momentum: share of the batch in the running statistics (TensorFlow's momentum is one minus this).
    ///   - deviation: the scale starts at N(1, deviation); DCGAN uses 0.02.
    public init(_ channels: Int, momentum: Double = 0.1, epsilon: Double = 1e-5, deviation: Double = 0) {
        weight = Parameter(onesOf: [channels])
        bias = Parameter(shape: [channels])
        runningMean = Buffer(Tensor.zeros([channels]))
        runningVar = Buffer(Tensor.ones([channels]))
        numBatchesTracked = Buffer(Tensor.zeros([], dtype: .int64))
        (self.momentum, self.epsilon, self.deviation) = (momentum, epsilon, deviation)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        if isTraining { countBatch(numBatchesTracked) }
        return input.batchNorm(
            weight: weight.value, bias: bias.value, runningMean: running(runningMean),
            runningVariance: running(runningVar), training: isTraining, momentum: momentum, epsilon: epsilon)
    }

    /// The layer and the activation after it, in one operator.
    /// - Parameter slope: what negative values are multiplied with.
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

    /// The layer, the activation and the convolution after it, in one operator; nil for other layers, in use, and where the
    /// engine's own kernels are asked for.
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

    /// In use, x * scale + shift for each channel, both [C].
    package var folded: (scale: Tensor, shift: Tensor) {
        let scale = weight.value * (runningVar.value + epsilon).rsqrt()
        return (scale, bias.value - runningMean.value * scale)
    }

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

    public override var details: String { "\(weight.value.count), momentum \(momentum), epsilon \(epsilon)" }
}

/// Batch normalization whose scale and shift are linear in a vector (de Vries et al. 2017), such as of attributes.
///
/// Starts as a plain normalization whatever the vector. Statistics as in `BatchNorm2d`.
public final class ConditionalBatchNorm2d: Module {
    /// [K] to what is added to a scale of 1, [C].
    public let scale: Linear
    /// [K] to the shift, [C].
    public let shift: Linear
    /// [C].
    public let runningMean: Buffer
    /// Unbiased, [C].
    public let runningVar: Buffer
    /// Batches seen, Int64, shape [].
    public let numBatchesTracked: Buffer
    private let momentum: Double
    private let epsilon: Double

    /// - Parameters:
    ///   - conditions: length K of the vector.
    ///   - momentum: share of the batch in the running statistics.
    public init(_ channels: Int, conditions: Int, momentum: Double = 0.1, epsilon: Double = 1e-5) {
        scale = Linear(conditions, channels, initializer: .zeros)
        shift = Linear(conditions, channels, initializer: .zeros)
        runningMean = Buffer(Tensor.zeros([channels]))
        runningVar = Buffer(Tensor.ones([channels]))
        numBatchesTracked = Buffer(Tensor.zeros([], dtype: .int64))
        (self.momentum, self.epsilon) = (momentum, epsilon)
    }

    /// - Parameters:
    ///   - input: [N, C, H, W] or [N, C].
    ///   - condition: [N, K].
    /// - Returns: as `input`.
    public func callAsFunction(_ input: Tensor, _ condition: Tensor) -> Tensor {
        require(
            condition.rank == 2 && condition.shape[0] == input.shape[0],
            "ConditionalBatchNorm2d: expected a vector for each of \(input.summary), got \(condition.summary)"
        )
        if isTraining { countBatch(numBatchesTracked) }
        let normal = input.batchNorm(
            weight: nil, bias: nil, runningMean: running(runningMean), runningVariance: running(runningVar),
            training: isTraining, momentum: momentum, epsilon: epsilon)
        let shape = Array(input.shape[0..<2]) + [Int](repeating: 1, count: input.rank - 2)
        return normal * (scale(condition).reshape(shape) + 1) + shift(condition).reshape(shape)
    }

    public override var details: String {
        "\(runningMean.value.count) of \(scale.weight.value.shape[1]), momentum \(momentum), epsilon \(epsilon)"
    }
}

// A batch counts once, however often it is computed.
extension Module {
    /// Running statistics for a normalization to move; a copy where they have moved already.
    func running(_ buffer: Buffer) -> Tensor {
        isTraining && Recompute.isActive ? buffer.value.cloned() : buffer.value
    }

    /// Adds 1 to a count of batches.
    func countBatch(_ tracked: Buffer) {
        if Recompute.isActive { return }
        withoutGradients { tracked.value.add_(Tensor.ones(like: tracked.value)) }
    }
}
