import Foundation
import Torch

/// Adam (Kingma and Ba 2015) or, with decoupled weight decay, AdamW (Loshchilov and Hutter 2019).
///
/// One fused call updates all parameters.
public final class Adam: Optimizer {
    /// Parameters with their keys, in the order of the gradients.
    public let parameters: [(key: String, parameter: Parameter)]
    /// Learning rate of the next step.
    public var learningRate: Factor
    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let weightDecay: Double
    private let decoupled: Bool
    private lazy var means = buffers()
    private lazy var squares = buffers()
    private lazy var steps = parameters.map { Tensor.zeros([], on: $0.parameter.value.device) }

    /// Creates an optimizer in the state before its first step.
    /// - Parameters:
    ///   - parameters: parameters with unique keys.
    ///   - learningRate: step size.
    ///   - beta1: decay of the mean of the gradients per step.
    ///   - beta2: decay of the mean of the squared gradients per step.
    ///   - epsilon: term added to the denominator.
    ///   - weightDecay: coefficient of the L2 term in the gradient. If `decoupled`, a step multiplies each parameter by
    ///     1 - learningRate * weightDecay instead.
    ///   - decoupled: whether weight decay is decoupled from the gradient (AdamW).
    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double = 2e-4, beta1: Double = 0.5,
        beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0, decoupled: Bool = false
    ) {
        self.parameters = parameters
        self.learningRate = .number(learningRate)
        (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
        (self.weightDecay, self.decoupled) = (weightDecay, decoupled)
    }

    /// Performs one step.
    /// - Parameter gradients: one per parameter, of its shape; a parameter with a nil gradient does not change.
    public func step(_ gradients: [Tensor?]) {
        let indices = indicesWithGradients(gradients)
        guard !indices.isEmpty else { return }
        withoutGradients {
            matchLayouts(&means, indices)
            matchLayouts(&squares, indices)
            for index in indices {
                let device = parameters[index].parameter.value.device
                if steps[index].device != device { steps[index] = steps[index].to(device) }
            }
            // The fused kernels count steps from 1.
            foreachAdd_(indices.map { steps[$0] }, number: 1)
            fusedAdam_(
                parameters: indices.map { parameters[$0].parameter.value },
                // The kernels require equal strides of parameters, gradients and state, and do not check them.
                gradients: indices.map { matchingLayout($0, gradients[$0]!) },
                means: indices.map { means[$0] }, squares: indices.map { squares[$0] },
                steps: indices.map { steps[$0] }, learningRate: learningRate, beta1: beta1, beta2: beta2,
                weightDecay: weightDecay, epsilon: epsilon, decoupled: decoupled)
        }
    }

    /// State: "mean", "square" (shapes of the parameters) and "step" ([]) for each parameter key.
    public var state: [(key: String, tensor: Tensor)] {
        keyed("mean", means) + keyed("square", squares) + keyed("step", steps)
    }
}

/// AdaBelief (Zhuang et al. 2020): Adam with the variance of the gradient around its running mean as second moment.
public final class AdaBelief: Optimizer {
    /// Parameters with their keys, in the order of the gradients.
    public let parameters: [(key: String, parameter: Parameter)]
    /// Learning rate of the next step.
    public var learningRate: Factor
    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let weightDecay: Double
    private lazy var means = buffers()
    private lazy var variances = buffers()
    private lazy var steps = parameters.map {
        Tensor.zeros([], dtype: .int64, on: $0.parameter.value.device)
    }

    /// Creates an optimizer in the state before its first step.
    /// - Parameters:
    ///   - parameters: parameters with unique keys.
    ///   - learningRate: step size.
    ///   - beta1: decay of the mean of the gradients per step.
    ///   - beta2: decay of the variance of the gradients per step.
    ///   - epsilon: term added to the variance and to the denominator.
    ///   - weightDecay: a step first multiplies each parameter by 1 - learningRate * weightDecay.
    public init(
        _ parameters: [(key: String, parameter: Parameter)], learningRate: Double = 5e-5, beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-16, weightDecay: Double = 0
    ) {
        self.parameters = parameters
        self.learningRate = .number(learningRate)
        (self.beta1, self.beta2) = (beta1, beta2)
        (self.epsilon, self.weightDecay) = (epsilon, weightDecay)
    }

    /// Performs one step.
    /// - Parameter gradients: one per parameter, of its shape; a parameter with a nil gradient does not change.
    public func step(_ gradients: [Tensor?]) {
        withoutGradients {
            let indices = indicesWithGradients(gradients)
            matchLayouts(&means, indices)
            matchLayouts(&variances, indices)
            for index in indices {
                let value = parameters[index].parameter.value.detached()
                let (mean, variance, gradient) = (means[index], variances[index], gradients[index]!)
                if steps[index].device != value.device { steps[index] = steps[index].to(value.device) }
                steps[index].add_(Tensor.ones(like: steps[index]))
                if weightDecay > 0 {
                    value.copy_(value * learningRate.scaled(by: weightDecay).complement)
                }
                mean.lerp_(gradient, weight: 1 - beta1)
                let deviation = gradient - mean
                variance.multiply_(beta2)
                variance.addProduct_(deviation, deviation, factor: 1 - beta2)
                // Epsilon is added to the stored variance and to its root (algorithm 2 and the authors' code).
                variance.add_(Tensor.ones(like: variance), factor: epsilon)
                if value.device == .cpu, case .number(let rate) = learningRate {
                    let step = steps[index].item()
                    let denominator =
                        variance.sqrt() / (1 - Self.power(beta2, step)).squareRoot() + epsilon
                    value.addQuotient_(mean, denominator, factor: -rate / (1 - Self.power(beta1, step)))
                } else {
                    // Without the step number on the host, for which a recorded step could not wait.
                    let step = steps[index].to(.float64)
                    func correction(_ decay: Double) -> Tensor { 1 - (step * log(decay)).exp() }
                    let denominator = variance.sqrt() / correction(beta2).sqrt() + epsilon
                    value.add_(mean / (denominator * correction(beta1)) * learningRate.scaled(by: -1))
                }
            }
        }
    }

    /// State: "mean", "variance" (shapes of the parameters) and "step" ([], Int64) for each parameter key.
    public var state: [(key: String, tensor: Tensor)] {
        keyed("mean", means) + keyed("variance", variances) + keyed("step", steps)
    }

    /// Power by repeated squaring, so that the result does not depend on the system's math library.
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
