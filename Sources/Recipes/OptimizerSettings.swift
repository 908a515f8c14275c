import Foundation
import Settings
import TorchNN

/// Settings of the optimizer of a network.
public struct OptimizerSettings: SettingsGroup, Equatable {
    /// Algorithm, by its name in recipes.
    public enum Kind: String, Sendable, CaseIterable {
        case adam, adamw, sgd, rmsprop, adabelief
    }

    /// Algorithm.
    public var kind = Kind.adam
    /// Learning rate, before the factor of the schedule.
    public var learningRate = 2e-4
    /// Decay rate of the mean gradient (Adam, AdamW, AdaBelief).
    public var beta1 = 0.5
    /// Decay rate of the mean squared gradient (Adam, AdamW, AdaBelief).
    public var beta2: Scheduled<Double> = 0.999
    /// Constant added to the root of the mean squared gradient.
    public var epsilon = 1e-8
    /// Momentum (SGD).
    public var momentum = 0.0
    /// Decay rate of the mean squared gradient (RMSprop).
    public var alpha = 0.99
    /// Weight decay: an L2 penalty, or decoupled in AdamW and AdaBelief.
    public var weightDecay = 0.0
    /// Limit of the joint norm of all gradients; 0 for no limit.
    public var clipNorm = 0.0
    /// Limit of the absolute value of a weight after a step (Arjovsky et al. 2017, algorithm 1); 0 for no limit.
    public var weightLimit = 0.0

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Optimizer algorithm.")
        try v.number(
            "learningRate", &learningRate, in: 0...1, "Learning rate, before the factor of the schedule.")
        switch kind {
        case .adam, .adamw, .adabelief:
            try v.number("beta1", &beta1, in: 0...0.9999, "Decay rate of the mean gradient.")
            try v.scheduled("beta2", &beta2, in: 0...0.999999, "Decay rate of the mean squared gradient.")
            try v.number(
                "epsilon", &epsilon, in: 0...1, "Constant added to the root of the mean squared gradient.")
        case .sgd:
            try v.number("momentum", &momentum, in: 0...0.9999, "Momentum.")
        case .rmsprop:
            try v.number("alpha", &alpha, in: 0...0.9999, "Decay rate of the mean squared gradient.")
            try v.number(
                "epsilon", &epsilon, in: 0...1, "Constant added to the root of the mean squared gradient.")
        }
        try v.number(
            "weightDecay", &weightDecay, in: 0...1,
            "Weight decay: an L2 penalty, or decoupled in adamw and adabelief.")
        try v.number(
            "clipNorm", &clipNorm, in: 0...1e6, "Limit of the joint norm of all gradients; 0: no limit.")
        try v.number(
            "weightLimit", &weightLimit, in: 0...1e6,
            "Limit of the absolute value of a weight after a step (WGAN: 0.01); 0: no limit.")
    }

    /// Creates an optimizer for the parameters of `network`.
    /// - Parameters:
    ///   - network: network whose parameters are optimized.
    ///   - correction: correction factor for lazy regularization, 0...1 (Karras et al. 2020, appendix B). The
    ///     learning rate is multiplied by it; decay rates are raised to its power.
    public func make(for network: Module, correction: Double = 1) -> any Optimizer {
        let parameters = network.parameters
        let (beta1, beta2) = (pow(beta1, correction), pow(beta2.value(atKimg: 0), correction))
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
