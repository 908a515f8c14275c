import Foundation
import Imaging
import Objectives
import Testing
import Torch
import TorchNN

/// Eight Gaussians on a circle: test of mode coverage
/// (Gulrajani et al. 2017, section 5; Metz et al. 2017, section 3.1).
enum Ring {
    static let modes = 8
    static let radius = 2.0
    static let deviation = 0.05

    static let centers: [(x: Double, y: Double)] = (0..<modes).map {
        let angle = 2 * Double.pi * Double($0) / Double(modes)
        return (radius * cos(angle), radius * sin(angle))
    }

    /// Draws points [count, 2].
    static func sample(_ count: Int, random: RandomSource) -> Tensor {
        let chosen = Tensor.uniform([count], random: random).floats().map {
            centers[min(modes - 1, Int($0 * Float(modes)))]
        }
        let means = Tensor(chosen.flatMap { [Float($0.x), Float($0.y)] }, shape: [count, 2])
        return means + Tensor.normal([count, 2], random: random) * deviation
    }

    /// Coverage of the modes by points [N, 2].
    struct Coverage: Equatable {
        /// Number of modes with at least a quarter of N / 8 points within four standard deviations.
        let modes: Int
        /// Fraction of points within four standard deviations of a mode.
        let good: Double

        init(_ points: Tensor) {
            let values = points.floats().map(Double.init)
            let count = values.count / 2
            var near = [Int](repeating: 0, count: Ring.modes)
            for row in 0..<count {
                let mode = Ring.centers.firstIndex {
                    hypot(values[2 * row] - $0.x, values[2 * row + 1] - $0.y) < 4 * Ring.deviation
                }
                if let mode { near[mode] += 1 }
            }
            modes = near.count { Double($0) >= 0.25 * Double(count) / Double(Ring.modes) }
            good = Double(near.reduce(0, +)) / Double(count)
        }
    }
}

/// Training of two small networks on the ring with the losses and optimizers of the package.
final class RingTraining {
    private static let batch = 128
    private static let latents = 2
    private static let rate = 3e-3

    private let loss: AdversarialLoss
    private let penalty: GradientPenalty
    private let criticSteps: Int
    /// Number of generator steps, over which the learning rates decay to 0.
    let steps: Int
    /// Generator steps so far.
    private(set) var step = 0
    private let random: RandomSource
    private let generator: Sequential
    private let critic: Sequential
    private let generatorOptimizer: Adam
    private let criticOptimizer: Adam

    init(
        _ loss: AdversarialLoss, penalty: GradientPenalty = .init(), criticSteps: Int, steps: Int,
        seed: UInt64
    ) {
        (self.loss, self.penalty, self.criticSteps, self.steps) = (loss, penalty, criticSteps, steps)
        random = RandomSource(seed: seed)
        generator = Self.network(Self.latents, 2)
        critic = Self.network(2, 1)
        for network in [generator, critic] { network.initialize(random) }
        func adam(_ network: Module) -> Adam {
            Adam(network.parameters, learningRate: Self.rate, beta1: 0.5, beta2: 0.9)
        }
        (generatorOptimizer, criticOptimizer) = (adam(generator), adam(critic))
    }

    /// Minimax loss (Goodfellow et al. 2014, equation 1) with a nearly optimal discriminator, which gives the generator
    /// vanishing gradients (Arjovsky and Bottou 2017, theorem 2.4).
    static func saturating(seed: UInt64) -> RingTraining {
        RingTraining(AdversarialLoss(.saturating), criticSteps: 20, steps: 150, seed: seed)
    }

    /// WGAN-GP (Gulrajani et al. 2017), with the penalty weight of their experiments in two dimensions.
    static func wassersteinWithPenalty(seed: UInt64) -> RingTraining {
        RingTraining(
            AdversarialLoss(.wasserstein), penalty: GradientPenalty(weight: 0.1), criticSteps: 5, steps: 700,
            seed: seed)
    }

    private static func network(_ inputs: Int, _ outputs: Int) -> Sequential {
        func relu() -> Activation { Activation("relu") { $0.relu() } }
        return Sequential(Linear(inputs, 64), relu(), Linear(64, 64), relu(), Linear(64, outputs))
    }

    /// Generates points [count, 2].
    func generate(_ count: Int) -> Tensor {
        generator(Tensor.normal([count, Self.latents], random: random))
    }

    private func logits(_ points: Tensor) -> Tensor { critic(points).reshape([points.shape[0]]) }

    /// Trains up to a step.
    func train(upTo end: Int) {
        while step < end {
            let factor = 1 - Double(step) / Double(steps)
            generatorOptimizer.learningRate = .number(Self.rate * factor)
            criticOptimizer.learningRate = .number(Self.rate * factor)
            for _ in 0..<criticSteps { trainCritic() }
            let loss = loss.generator(logits(generate(Self.batch)))
            generatorOptimizer.step(generatorOptimizer.gradients(of: loss))
            step += 1
        }
    }

    private func trainCritic() {
        let real = Ring.sample(Self.batch, random: random)
        let fake = withoutGradients { generate(Self.batch) }
        var loss = loss.discriminator(real: logits(real), fake: logits(fake))
        if penalty.weight > 0 {
            let share = Tensor.uniform([Self.batch, 1], random: random)
            loss = loss + penalty(real: real, fake: fake, share: share, critic: logits)
        }
        criticOptimizer.step(criticOptimizer.gradients(of: loss))
    }
}

/// Mode coverage of two objectives with the same networks and optimizers.
@Suite struct RingTests {

    @Test(arguments: [0, 1] as [UInt64])
    func wassersteinWithPenaltyCoversAllModes(seed: UInt64) {
        let training = RingTraining.wassersteinWithPenalty(seed: seed)
        training.train(upTo: training.steps)
        let coverage = Ring.Coverage(withoutGradients { training.generate(2000) })
        #expect(coverage.modes == Ring.modes && coverage.good > 0.4, "\(coverage)")
    }

    @Test(arguments: [0, 1, 2] as [UInt64])
    func saturatingLossDropsModes(seed: UInt64) {
        let training = RingTraining.saturating(seed: seed)
        training.train(upTo: training.steps)
        let coverage = Ring.Coverage(withoutGradients { training.generate(2000) })
        #expect(coverage.modes <= 5, "\(coverage)")
    }

    /// The measure itself: the ring covers all modes, a part of it fewer, a Gaussian none.
    @Test func coverageDistinguishesDistributions() {
        let random = RandomSource(seed: 0)
        let ring = Ring.sample(2000, random: random)
        let whole = Ring.Coverage(ring)
        #expect(whole.modes == Ring.modes && whole.good > 0.99)
        let half = Ring.Coverage(ring * Tensor([1, 0], shape: [1, 2]) + Tensor([0, 0], shape: [1, 2]))
        #expect(half.modes == 2 && half.good < 0.5)
        let cloud = Ring.Coverage(Tensor.normal([2000, 2], random: random))
        #expect(cloud.modes == 0 && cloud.good < 0.1)
    }

    /// Plots both trainings over time for the documentation.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["FACEGAN_WRITE_PICTURES"] != nil))
    func picture() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["FACEGAN_WRITE_PICTURES"])
        let real = Ring.sample(1000, random: RandomSource(seed: 7))
        let moments = [0.03, 0.1, 0.25, 0.5, 1]
        var (cells, captions): ([Picture], [String]) = ([], [])
        for (name, training) in [
            ("saturating", RingTraining.saturating(seed: 1)), ("WGAN-GP", .wassersteinWithPenalty(seed: 1)),
        ] {
            for fraction in moments {
                training.train(upTo: Int(fraction * Double(training.steps)))
                let points = withoutGradients { training.generate(1000) }
                cells.append(Self.plot(real, points))
                captions.append(
                    "\(name), step \(training.step): \(Ring.Coverage(points).modes) of \(Ring.modes)")
            }
        }
        let page = Grid.compose(cells, columns: moments.count, padding: 6, captions: captions)
        try Data(try PictureEncoder.png(page)).write(to: URL(fileURLWithPath: folder + "/ring.png"))
    }

    /// Real points in gray, generated points on top.
    private static func plot(_ real: Tensor, _ fake: Tensor) -> Picture {
        let side = 196
        var picture = Picture(width: side, height: side, channels: 3, filledWith: 248)
        func dots(_ points: Tensor, _ color: Color) {
            let values = points.floats()
            for row in 0..<(values.count / 2) where values[2 * row].isFinite && values[2 * row + 1].isFinite {
                let position = (0...1).map { axis in
                    Int((min(3, max(-3, Double(values[2 * row + axis]))) / 6 + 0.5) * Double(side - 2))
                }
                picture.fill(
                    PictureBox(x: position[0], y: position[1], width: 2, height: 2), color: color)
            }
        }
        dots(real, Color(gray: 170))
        dots(fake, Color(red: 0xD5, green: 0x5E, blue: 0))
        return picture
    }
}
