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
