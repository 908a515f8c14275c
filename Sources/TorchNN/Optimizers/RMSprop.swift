import Torch

/// RMSprop (Hinton 2012) in PyTorch's form, with epsilon outside the root.
public final class RMSprop: Optimizer {
    /// Parameters with their keys, in the order of the gradients.
    public let parameters: [(key: String, parameter: Parameter)]
    /// Learning rate of the next step.
    public var learningRate: Factor
    private let alpha: Double
    private let epsilon: Double
    private let weightDecay: Double
    private lazy var squares = buffers()

    /// Creates an optimizer in the state before its first step.
    /// - Parameters:
    ///   - parameters: parameters with unique keys.
    ///   - learningRate: step size.
    ///   - alpha: decay of the mean of the squared gradients per step.
    ///   - epsilon: term added to the denominator.
    ///   - weightDecay: coefficient of the L2 term in the gradient.
    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double = 5e-5,
        alpha: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
        self.parameters = parameters
        self.learningRate = .number(learningRate)
        (self.alpha, self.epsilon, self.weightDecay) = (alpha, epsilon, weightDecay)
    }

    /// Performs one step.
    /// - Parameter gradients: one per parameter, of its shape; a parameter with a nil gradient does not change.
    public func step(_ gradients: [Tensor?]) {
        withoutGradients {
            let indices = indicesWithGradients(gradients)
            matchLayouts(&squares, indices)
            for index in indices {
                let value = parameters[index].parameter.value.detached()
                var gradient = gradients[index]!
                if weightDecay > 0 { gradient = gradient + value * weightDecay }
                squares[index].multiply_(alpha)
                squares[index].addProduct_(gradient, gradient, factor: 1 - alpha)
                let denominator = squares[index].sqrt() + epsilon
                switch learningRate {
                case .number(let rate): value.addQuotient_(gradient, denominator, factor: -rate)
                case .tensor(let rate): value.addQuotient_(gradient * rate, denominator, factor: -1)
                }
            }
        }
    }

    /// State: "square" (shape of the parameter) for each parameter key.
    public var state: [(key: String, tensor: Tensor)] { keyed("square", squares) }
}

/// Stochastic gradient descent with momentum in PyTorch's form: v = momentum v + g, p -= learningRate v.
public final class SGD: Optimizer {
    /// Parameters with their keys, in the order of the gradients.
    public let parameters: [(key: String, parameter: Parameter)]
    /// Learning rate of the next step.
    public var learningRate: Factor
    private let momentum: Double
    private let weightDecay: Double
    private lazy var velocities = buffers()

    /// Creates an optimizer in the state before its first step.
    /// - Parameters:
    ///   - parameters: parameters with unique keys.
    ///   - learningRate: step size.
    ///   - momentum: decay of the velocity per step; 0 is plain gradient descent.
    ///   - weightDecay: coefficient of the L2 term in the gradient.
    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double, momentum: Double = 0,
        weightDecay: Double = 0
    ) {
        self.parameters = parameters
        self.learningRate = .number(learningRate)
        (self.momentum, self.weightDecay) = (momentum, weightDecay)
    }

    /// Performs one step.
    /// - Parameter gradients: one per parameter, of its shape; a parameter with a nil gradient does not change.
    public func step(_ gradients: [Tensor?]) {
        let indices = indicesWithGradients(gradients)
        guard !indices.isEmpty else { return }
        withoutGradients {
            matchLayouts(&velocities, indices)
            let values = indices.map { parameters[$0].parameter.value.detached() }
            let moved = indices.map { velocities[$0] }
            // The velocity starts at zero, so the first velocity is the first gradient, as in PyTorch.
            foreachMultiply_(moved, by: momentum)
            foreachAdd_(moved, indices.map { gradients[$0]! })
            if weightDecay > 0 { foreachAdd_(moved, values, factor: weightDecay) }
            switch learningRate {
            case .number(let rate): foreachAdd_(values, moved, factor: -rate)
            case .tensor(let rate):
                let steps = moved.map { $0 * rate }
                foreachAdd_(values, steps, factor: -1)
            }
        }
    }

    /// State: "velocity" (shape of the parameter) for each parameter key.
    public var state: [(key: String, tensor: Tensor)] { keyed("velocity", velocities) }
}
