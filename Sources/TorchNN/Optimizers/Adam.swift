import Torch

/// Adam (Kingma and Ba 2015), all parameters in one fused call; with decoupled decay AdamW (Loshchilov and Hutter 2019).
public final class Adam: Optimizer {
    public let parameters: [(key: String, parameter: Parameter)]
    public var learningRate: Double
    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let weightDecay: Double
    private let decoupled: Bool
    private lazy var means = buffers()
    private lazy var squares = buffers()
    private lazy var steps = parameters.map { Tensor.zeros([], on: $0.parameter.value.device) }

    /// - Parameters:
    ///   - weightDecay: weight of the L2 penalty or, if `decoupled`, the share taken off each step per learning rate.
    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double = 2e-4, beta1: Double = 0.5,
        beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0, decoupled: Bool = false
    ) {
        self.parameters = parameters
        self.learningRate = learningRate
        (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
        (self.weightDecay, self.decoupled) = (weightDecay, decoupled)
    }

    public func step(_ gradients: [Tensor?]) {
        let indices = present(gradients)
        guard !indices.isEmpty else { return }
        withoutGradients {
            align(&means, indices)
            align(&squares, indices)
            for index in indices {
                let device = parameters[index].parameter.value.device
                if steps[index].device != device { steps[index] = steps[index].to(device) }
                // The fused kernels take the number of the step from 1.
                steps[index].add_(Tensor.ones(like: steps[index]))
            }
            fusedAdam_(
                parameters: indices.map { parameters[$0].parameter.value },
                // The kernels walk the memory of all five side by side, whatever the strides.
                gradients: indices.map { beside($0, gradients[$0]!) },
                means: indices.map { means[$0] }, squares: indices.map { squares[$0] },
                steps: indices.map { steps[$0] }, learningRate: learningRate, beta1: beta1, beta2: beta2,
                weightDecay: weightDecay, epsilon: epsilon, decoupled: decoupled)
        }
    }

    public var state: [(key: String, tensor: Tensor)] {
        named("mean", means) + named("square", squares) + named("step", steps)
    }
}

/// AdaBelief (Zhuang et al. 2020): Adam whose second moment is that of the gradient around its mean.
public final class AdaBelief: Optimizer {
    public let parameters: [(key: String, parameter: Parameter)]
    public var learningRate: Double
    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let weightDecay: Double
    private lazy var means = buffers()
    private lazy var variances = buffers()
    private lazy var steps = parameters.map { _ in Tensor.zeros([], dtype: .int64) }

    /// - Parameter weightDecay: decoupled, per learning rate.
    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double = 5e-5, beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-16, weightDecay: Double = 0
    ) {
        self.parameters = parameters
        self.learningRate = learningRate
        (self.beta1, self.beta2) = (beta1, beta2)
        (self.epsilon, self.weightDecay) = (epsilon, weightDecay)
    }

    public func step(_ gradients: [Tensor?]) {
        withoutGradients {
            let indices = present(gradients)
            align(&means, indices)
            align(&variances, indices)
            for index in indices {
                let value = parameters[index].parameter.value.detached()
                let (mean, variance, gradient) = (means[index], variances[index], gradients[index]!)
                steps[index].add_(Tensor.ones(like: steps[index]))
                let step = steps[index].item()
                if weightDecay > 0 { value.multiply_(1 - learningRate * weightDecay) }
                mean.lerp_(gradient, weight: 1 - beta1)
                let surprise = gradient - mean
                variance.multiply_(beta2)
                variance.addProduct_(surprise, surprise, factor: 1 - beta2)
                // Epsilon is added to the variance itself as well as to its root (algorithm 2 and the authors' code).
                variance.add_(Tensor.ones(like: variance), factor: epsilon)
                let denominator = variance.sqrt() / Self.root(1 - Self.power(beta2, step)) + epsilon
                value.addQuotient_(mean, denominator, factor: -learningRate / (1 - Self.power(beta1, step)))
            }
        }
    }

    public var state: [(key: String, tensor: Tensor)] {
        named("mean", means) + named("variance", variances) + named("step", steps)
    }

    private static func root(_ value: Double) -> Double { value.squareRoot() }

    /// By repeated squaring, so that the result does not depend on the system's mathematics library.
    private static func power(_ base: Double, _ exponent: Double) -> Double {
        var (result, factor, left) = (1.0, base, Int(exponent))
        while left > 0 {
            if left & 1 == 1 { result *= factor }
            factor *= factor
            left >>= 1
        }
        return result
    }
}
