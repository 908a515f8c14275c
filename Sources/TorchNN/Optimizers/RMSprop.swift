import Torch

/// RMSprop (Hinton 2012), PyTorch's form: epsilon outside the root.
public final class RMSprop: Optimizer {
    public let parameters: [(key: String, parameter: Parameter)]
    public var learningRate: Double
    private let alpha: Double
    private let epsilon: Double
    private let weightDecay: Double
    private lazy var squares = buffers()

    /// - Parameter alpha: share of the past in the mean square.
    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double = 5e-5,
        alpha: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
        self.parameters = parameters
        self.learningRate = learningRate
        (self.alpha, self.epsilon, self.weightDecay) = (alpha, epsilon, weightDecay)
    }

    public func step(_ gradients: [Tensor?]) {
        withoutGradients {
            let indices = present(gradients)
            align(&squares, indices)
            for index in indices {
                let value = parameters[index].parameter.value.detached()
                var gradient = gradients[index]!
                if weightDecay > 0 { gradient = gradient + value * weightDecay }
                squares[index].multiply_(alpha)
                squares[index].addProduct_(gradient, gradient, factor: 1 - alpha)
                value.addQuotient_(gradient, squares[index].sqrt() + epsilon, factor: -learningRate)
            }
        }
    }

    public var state: [(key: String, tensor: Tensor)] { named("square", squares) }
}

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
