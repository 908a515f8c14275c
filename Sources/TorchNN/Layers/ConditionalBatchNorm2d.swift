import Torch

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
