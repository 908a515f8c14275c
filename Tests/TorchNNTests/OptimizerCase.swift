import Testing
import Torch
import TorchNN

/// An optimizer as the golden's.
struct OptimizerCase: Sendable, CustomTestStringConvertible {
    typealias Parameters = [(key: String, parameter: Parameter)]

    let name: String
    let make: @Sendable (Parameters) -> any Optimizer

    init(_ name: String, _ make: @escaping @Sendable (Parameters) -> any Optimizer) {
        (self.name, self.make) = (name, make)
    }

    var testDescription: String { name }

    static let rate = 0.01
    static let all: [OptimizerCase] = [
        .init("adam") { Adam($0, learningRate: rate) },
        .init("adam-l2") {
            Adam($0, learningRate: rate, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1)
        },
        .init("adamw") { Adam($0, learningRate: rate, beta1: 0.9, weightDecay: 0.1, decoupled: true) },
        .init("sgd") { SGD($0, learningRate: rate) },
        .init("sgd-momentum") { SGD($0, learningRate: rate, momentum: 0.9, weightDecay: 0.1) },
        .init("rmsprop") { RMSprop($0, learningRate: rate) },
        .init("rmsprop-l2") {
            RMSprop($0, learningRate: rate, alpha: 0.9, epsilon: 1e-6, weightDecay: 0.1)
        },
        .init("adabelief") { AdaBelief($0, learningRate: rate) },
        .init("adabelief-decay") {
            AdaBelief($0, learningRate: rate, beta1: 0.5, beta2: 0.99, epsilon: 1e-12, weightDecay: 0.1)
        },
    ]
}

/// The parameters that the golden's gradients belong to.
final class Trained: Module {
    let conv = Conv2d(4, 6, kernel: 3)
    let linear = Linear(7, 5, bias: false)

    init(_ golden: Golden) throws {
        super.init()
        try load(golden.below("start/"))
    }

    /// The golden's gradients of a step from 0 to 9; one has none for the convolution's bias.
    func gradients(_ golden: Golden, step: Int) -> [Tensor?] {
        parameters.map { golden["gradient-\(step)/\($0.key)"] }
    }
}
