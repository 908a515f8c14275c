import Foundation
import Settings
import TorchNN

/// Which optimizer a network learns with.
public struct OptimizerSettings: SettingsGroup, Equatable {
    /// The optimizers that a recipe can name.
    public enum Kind: String, Sendable, CaseIterable {
        case adam, adamw, sgd, rmsprop, adabelief
    }

    public var kind = Kind.adam
    public var learningRate = 2e-4
    public var beta1 = 0.5
    public var beta2 = 0.999
    public var epsilon = 1e-8
    public var momentum = 0.0
    public var alpha = 0.99
    public var weightDecay = 0.0
    /// Joint norm that gradients are scaled down to; 0 for never.
    public var clipNorm = 0.0
    /// Largest absolute value of a weight after each step (Arjovsky et al. 2017); 0 for no limit.
    public var weightLimit = 0.0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family.")
        try v.number("learningRate", &learningRate, in: 0...1, "Step size.")
        switch kind {
        case .adam, .adamw, .adabelief:
            try v.number("beta1", &beta1, in: 0...0.9999, "Memory of the mean gradient.")
            try v.number("beta2", &beta2, in: 0...0.999999, "Memory of the squared gradient.")
            try v.number("epsilon", &epsilon, in: 0...1, "Added to the root of the squared gradient.")
        case .sgd:
            try v.number("momentum", &momentum, in: 0...0.9999, "Memory of the step.")
        case .rmsprop:
            try v.number("alpha", &alpha, in: 0...0.9999, "Memory of the squared gradient.")
            try v.number("epsilon", &epsilon, in: 0...1, "Added to the root of the squared gradient.")
        }
        try v.number("weightDecay", &weightDecay, in: 0...1, "L2 penalty; decoupled in adamw and adabelief.")
        try v.number(
            "clipNorm", &clipNorm, in: 0...1e6, "Joint norm of the gradients at most; 0 for no limit.")
        try v.number(
            "weightLimit", &weightLimit, in: 0...1e6,
            "Absolute value of a weight at most, as the first WGAN has it (0.01); 0 for no limit.")
    }

    /// An optimizer over the parameters of `network`.
    /// - Parameter correction: what a step is worth beside those of lazy penalties, 0...1 (Karras et al. 2020, appendix B):
    ///   rates are multiplied by it, and what is remembered is taken to its power.
    public func make(for network: Module, correction: Double = 1) -> any Optimizer {
        let parameters = network.parameters
        let (beta1, beta2) = (pow(beta1, correction), pow(beta2, correction))
        let (alpha, momentum) = (pow(alpha, correction), pow(momentum, correction))
        let learningRate = learningRate * correction
        switch kind {
        case .adam, .adamw:
            return Adam(
                parameters, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                weightDecay: weightDecay, decoupled: kind == .adamw)
        case .sgd:
            return SGD(parameters, learningRate: learningRate, momentum: momentum, weightDecay: weightDecay)
        case .rmsprop:
            return RMSprop(
                parameters, learningRate: learningRate, alpha: alpha, epsilon: epsilon,
                weightDecay: weightDecay)
        case .adabelief:
            return AdaBelief(
                parameters, learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                weightDecay: weightDecay)
        }
    }
}
