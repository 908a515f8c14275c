import Torch

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
