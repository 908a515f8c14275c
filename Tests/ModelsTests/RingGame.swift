import Objectives
import Torch
import TorchNN

/// Two small networks that play for the ring with the losses and optimizers of the package.
final class RingGame {
    private static let batch = 128
    private static let latents = 2
    private static let rate = 3e-3

    private let loss: AdversarialLoss
    private let penalty: GradientPenalty
    private let criticSteps: Int
    /// Turns of the whole game, over which the rates fall to nothing.
    let turns: Int
    private(set) var played = 0
    private let random: RandomSource
    private let generator: Sequential
    private let critic: Sequential
    private let generatorOptimizer: Adam
    private let criticOptimizer: Adam

    init(
        _ loss: AdversarialLoss, penalty: GradientPenalty = .init(), criticSteps: Int, turns: Int,
        seed: UInt64
    ) {
        (self.loss, self.penalty, self.criticSteps, self.turns) = (loss, penalty, criticSteps, turns)
        random = RandomSource(seed: seed)
        generator = Self.network(Self.latents, 2)
        critic = Self.network(2, 1)
        for network in [generator, critic] { network.initialize(random) }
        func adam(_ network: Module) -> Adam {
            Adam(network.parameters, learningRate: Self.rate, beta1: 0.5, beta2: 0.9)
        }
        (generatorOptimizer, criticOptimizer) = (adam(generator), adam(critic))
    }

    /// The minimax game (Goodfellow et al. 2014, equation 1) with a discriminator near its best, where it gives the
    /// generator next to nothing to learn from (Arjovsky and Bottou 2017, theorem 2.4).
    static func saturating(seed: UInt64) -> RingGame {
        RingGame(AdversarialLoss(.saturating), criticSteps: 20, turns: 150, seed: seed)
    }

    /// The game of Gulrajani et al. 2017, with the penalty's weight of their experiments in the plane.
    static func wassersteinWithPenalty(seed: UInt64) -> RingGame {
        RingGame(
            AdversarialLoss(.wasserstein), penalty: GradientPenalty(weight: 0.1), criticSteps: 5, turns: 700,
            seed: seed)
    }

    private static func network(_ inputs: Int, _ outputs: Int) -> Sequential {
        func relu() -> Activation { Activation("relu") { $0.relu() } }
        return Sequential(Linear(inputs, 64), relu(), Linear(64, 64), relu(), Linear(64, outputs))
    }

    /// Points [count, 2].
    func generate(_ count: Int) -> Tensor {
        generator(Tensor.normal([count, Self.latents], random: random))
    }

    private func judge(_ points: Tensor) -> Tensor { critic(points).reshape([points.shape[0]]) }

    /// Plays on until so many turns have been played.
    func play(upTo end: Int) {
        while played < end {
            let factor = 1 - Double(played) / Double(turns)
            generatorOptimizer.learningRate = Self.rate * factor
            criticOptimizer.learningRate = Self.rate * factor
            for _ in 0..<criticSteps { trainCritic() }
            let loss = loss.generator(judge(generate(Self.batch)))
            generatorOptimizer.step(generatorOptimizer.gradients(of: loss))
            played += 1
        }
    }

    private func trainCritic() {
        let real = Ring.sample(Self.batch, random: random)
        let fake = withoutGradients { generate(Self.batch) }
        var loss = loss.discriminator(real: judge(real), fake: judge(fake))
        if penalty.weight > 0 {
            let share = Tensor.uniform([Self.batch, 1], random: random)
            loss = loss + penalty(real: real, fake: fake, share: share, critic: judge)
        }
        criticOptimizer.step(criticOptimizer.gradients(of: loss))
    }
}
