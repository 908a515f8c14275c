import Foundation
import Settings
import TorchNN

/// Optimizer of a network.
public struct OptimizerSettings: SettingsGroup, Equatable {
    /// Optimizers by their names in recipes.
    public enum Kind: String, Sendable, CaseIterable {
        case adam, adamw, sgd, rmsprop, adabelief
    }

    public var kind = Kind.adam
    public var learningRate = 2e-4
    /// Decay of the mean gradient.
    public var beta1 = 0.5
    /// Decay of the mean squared gradient.
    public var beta2 = 0.999
    /// Added to the root of the mean squared gradient.
    public var epsilon = 1e-8
    /// Momentum of SGD.
    public var momentum = 0.0
    /// Decay of the mean squared gradient of RMSprop.
    public var alpha = 0.99
    /// L2 penalty, or decoupled decay in AdamW and AdaBelief.
    public var weightDecay = 0.0
    /// Largest joint norm of the gradients; 0 for no limit.
    public var clipNorm = 0.0
    /// Largest absolute value of a weight after a step (Arjovsky et al. 2017, algorithm 1); 0 for no limit.
    public var weightLimit = 0.0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Optimizer.")
        try v.number("learningRate", &learningRate, in: 0...1, "Learning rate.")
        switch kind {
        case .adam, .adamw, .adabelief:
            try v.number("beta1", &beta1, in: 0...0.9999, "Decay of the mean gradient.")
            try v.number("beta2", &beta2, in: 0...0.999999, "Decay of the mean squared gradient.")
            try v.number("epsilon", &epsilon, in: 0...1, "Added to the root of the squared gradient.")
        case .sgd:
            try v.number("momentum", &momentum, in: 0...0.9999, "Momentum.")
        case .rmsprop:
            try v.number("alpha", &alpha, in: 0...0.9999, "Decay of the mean squared gradient.")
            try v.number("epsilon", &epsilon, in: 0...1, "Added to the root of the squared gradient.")
        }
        try v.number("weightDecay", &weightDecay, in: 0...1, "L2 penalty; decoupled in adamw and adabelief.")
        try v.number(
            "clipNorm", &clipNorm, in: 0...1e6, "Largest joint norm of the gradients; 0: no limit.")
        try v.number(
            "weightLimit", &weightLimit, in: 0...1e6,
            "Largest absolute value of a weight, 0.01 in WGAN; 0: no limit.")
    }

    /// An optimizer over the parameters of `network`.
    /// - Parameter correction: 0...1, for lazy regularization (Karras et al. 2020, appendix B): the learning rate is
    ///   multiplied by it, decay rates are raised to its power.
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
