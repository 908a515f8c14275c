import Torch

/// Stochastic gradient descent with momentum, PyTorch's form: v = m v + g, p -= rate v.
public final class SGD: Optimizer {
    public let parameters: [(key: String, parameter: Parameter)]
    public var learningRate: Double
    private let momentum: Double
    private let weightDecay: Double
    private lazy var velocities = buffers()

    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double, momentum: Double = 0,
        weightDecay: Double = 0
    ) {
        self.parameters = parameters
        self.learningRate = learningRate
        (self.momentum, self.weightDecay) = (momentum, weightDecay)
    }

    public func step(_ gradients: [Tensor?]) {
        let indices = present(gradients)
        guard !indices.isEmpty else { return }
        withoutGradients {
            align(&velocities, indices)
            let values = indices.map { parameters[$0].parameter.value.detached() }
            let moved = indices.map { velocities[$0] }
            // From zero, the first velocity is the first gradient, as in PyTorch.
            foreachMultiply_(moved, by: momentum)
            foreachAdd_(moved, indices.map { gradients[$0]! })
            if weightDecay > 0 { foreachAdd_(moved, values, factor: weightDecay) }
            foreachAdd_(values, moved, factor: -learningRate)
        }
    }

    public var state: [(key: String, tensor: Tensor)] { named("velocity", velocities) }
}
