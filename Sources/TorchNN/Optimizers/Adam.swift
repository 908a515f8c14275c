import Foundation
import Torch

/// Adam (Kingma and Ba 2015) or, with decoupled weight decay, AdamW (Loshchilov and Hutter 2019).
///
/// One fused call updates all parameters.
public final class Adam: SecondMomentOptimizer {
    /// Parameters with their keys, in the order of the gradients.
    public let parameters: [(key: String, parameter: Parameter)]
    /// Learning rate of the next step.
    public var learningRate: Factor
    /// Decay rate of the mean squared gradient in the next step. The correction for the first steps uses this value alone, as
    /// in PyTorch when a program changes it.
    public var beta2: Factor
    private let beta1: Double
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
        (self.learningRate, self.beta2) = (.number(learningRate), .number(beta2))
        (self.beta1, self.epsilon) = (beta1, epsilon)
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
            let values = indices.map { parameters[$0].parameter.value }
            // The kernels require equal strides of parameters, gradients and state, and do not check them.
            let dense = indices.map { matchingLayout($0, gradients[$0]!) }
            let (means, squares) = (indices.map { self.means[$0] }, indices.map { self.squares[$0] })
            switch beta2 {
            case .number(let beta2):
                fusedAdam_(
                    parameters: values, gradients: dense, means: means, squares: squares,
                    steps: indices.map { steps[$0] }, learningRate: learningRate, beta1: beta1, beta2: beta2,
                    weightDecay: weightDecay, epsilon: epsilon, decoupled: decoupled)
            case .tensor(let beta2):
                step(values, dense, means, squares, steps: indices.map { steps[$0] }, beta2: beta2)
            }
        }
    }

    /// One step with a decay rate on the device, which the fused kernels do not support.
    private func step(
        _ values: [Tensor], _ gradients: [Tensor], _ means: [Tensor], _ squares: [Tensor], steps: [Tensor],
        beta2: Tensor
    ) {
        let values = values.map { $0.detached() }
        var gradients = gradients
        if weightDecay > 0, decoupled {
            foreachAdd_(values, values.map { $0 * learningRate }, factor: -weightDecay)
        } else if weightDecay > 0 {
            gradients = zip(gradients, values).map { $0 + $1 * weightDecay }
        }
        foreachLerp_(means, towards: gradients, weight: 1 - beta1)
        foreachLerp_(squares, towards: gradients.map { $0.square() }, weight: .tensor(1 - beta2))
        let numbers = Tensor.stacked(steps)
        let rates = (1 - op("pow.Scalar", [beta1, numbers], #fileID, #line)).pow(-1) * learningRate
        let roots = (1 - op("pow.Tensor_Tensor", [beta2, numbers], #fileID, #line)).pow(-0.5)
        for (index, value) in values.enumerated() {
            let denominator = squares[index].sqrt() * roots.select(0, index) + epsilon
            value.addQuotient_(means[index] * rates.select(0, index), denominator, factor: -1)
        }
    }

    /// State: "mean", "square" (shapes of the parameters) and "step" ([]) for each parameter key.
    public var state: [(key: String, tensor: Tensor)] {
        keyed("mean", means) + keyed("square", squares) + keyed("step", steps)
    }
}

/// AdaBelief (Zhuang et al. 2020): Adam with the variance of the gradient around its running mean as second moment.
public final class AdaBelief: SecondMomentOptimizer {
    /// Parameters with their keys, in the order of the gradients.
    public let parameters: [(key: String, parameter: Parameter)]
    /// Learning rate of the next step.
    public var learningRate: Factor
    /// Decay rate of the variance of the gradients in the next step.
    public var beta2: Factor
    private let beta1: Double
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
        (self.learningRate, self.beta2) = (.number(learningRate), .number(beta2))
        self.beta1 = beta1
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
                switch beta2 {
                case .number(let beta2):
                    variance.multiply_(beta2)
                    variance.addProduct_(deviation, deviation, factor: 1 - beta2)
                case .tensor:
                    variance.copy_(variance * beta2 + deviation.square() * beta2.complement)
                }
                // Epsilon is added to the stored variance and to its root (algorithm 2 and the authors' code).
                variance.add_(Tensor.ones(like: variance), factor: epsilon)
                if value.device == .cpu, case .number(let rate) = learningRate,
                    case .number(let beta2) = beta2
                {
                    let step = steps[index].item()
                    let denominator =
                        variance.sqrt() / (1 - Self.power(beta2, step)).squareRoot() + epsilon
                    value.addQuotient_(mean, denominator, factor: -rate / (1 - Self.power(beta1, step)))
                } else {
                    // Without the step number on the host, for which a recorded step could not wait.
                    let step = steps[index].to(.float64)
                    func correction(_ decay: Factor) -> Tensor {
                        switch decay {
                        case .number(let value): 1 - (step * log(value)).exp()
                        case .tensor(let value): 1 - (step * value.to(.float64).log()).exp()
                        }
                    }
                    let denominator = variance.sqrt() / correction(beta2).sqrt() + epsilon
                    let share = mean / (denominator * correction(.number(beta1)))
                    value.add_(share * learningRate.scaled(by: -1))
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
