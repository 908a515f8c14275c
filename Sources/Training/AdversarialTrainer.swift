import Checkpoints
import Datasets
import Models
import Objectives
import Torch
import TorchNN

/// The game of a generator and a discriminator: both networks, their optimisers and the average.
public final class AdversarialTrainer: Trainer {
    public let recipe: Recipe
    public let device: Device
    /// Never `.auto`.
    public let precision: Precision
    public let kernels: Kernels
    public let generator: any Generator
    public let discriminator: any Discriminator
    /// The generator's moving average; nil when the recipe has none.
    public let averaged: (any Generator)?
    public var clock = TrainingClock()
    /// What the steps since the last `takeStatistics` summed up.
    private var statistics: StepStatistics

    private let average: ExponentialAverage?
    private let generatorOptimizer: any Optimizer
    private let discriminatorOptimizer: any Optimizer
    private let latents: RandomSource
    /// Where the penalty's pictures lie between real and generated ones.
    private let shares: RandomSource

    /// Makes the networks with starting values from `seed`.
    public init(
        recipe: Recipe, seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard
    ) {
        self.recipe = recipe
        self.device = device
        self.kernels = kernels
        self.precision = precision.resolved(for: device)
        let random = RandomSource(seed: seed)
        generator = recipe.generator.make(resolution: recipe.resolution, random: random)
        discriminator = recipe.discriminator.make(resolution: recipe.resolution, random: random)
        generator.move(to: device, format: .channelsLast)
        discriminator.move(to: device, format: .channelsLast)
        if recipe.average.halfLifeKimg > 0 {
            let copy = recipe.generator.make(resolution: recipe.resolution, random: random)
            copy.move(to: device, format: .channelsLast)
            (averaged, average) = (copy, ExponentialAverage(copy, following: generator))
        } else {
            (averaged, average) = (nil, nil)
        }
        if recipe.training.gradientCheckpointing {
            generator.recomputeParts()
            // A penalty differentiates the gradients, which a recomputed part does not offer.
            discriminator.recomputeParts(recipe.gradientPenalty.weight == 0)
        }
        generatorOptimizer = recipe.generatorOptimizer.make(for: generator)
        discriminatorOptimizer = recipe.discriminatorOptimizer.make(for: discriminator)
        latents = RandomSource(seed: seed &+ 1)
        shares = RandomSource(seed: seed &+ 2)
        statistics = StepStatistics(device: device)
    }

    public var networks: [(name: String, network: Module)] {
        [("generator", generator), ("discriminator", discriminator)]
    }

    public var imagesPerStep: Int { recipe.batchSize * recipe.steps.discriminator }

    /// One turn of the game: the discriminator's steps, then the generator's, then the average.
    public func step(_ batches: () -> ImageBatch) throws {
        let factor = learningRateFactor
        generatorOptimizer.learningRate = recipe.generatorOptimizer.learningRate * factor
        discriminatorOptimizer.learningRate = recipe.discriminatorOptimizer.learningRate * factor

        var (real, fake): (Tensor?, Tensor?)
        for turn in 1...recipe.steps.discriminator {
            // Only the last ones go on to the generator's step and need a tape.
            fake = turn < recipe.steps.discriminator ? withoutGradients { generate() } : generate()
            let batch = batches()
            real = Tensor.pictures(batch.pixels, count: batch.count, side: batch.height, on: device)
            trainDiscriminator(real: real!, fake: fake!.detached())
        }
        for turn in 0..<recipe.steps.generator {
            if turn > 0 { fake = generate() }
            trainGenerator(fake!, against: real!)
        }
        clock.steps += 1
        clock.images += imagesPerStep
        average?.update(decay: recipe.average.decay(batchSize: imagesPerStep, images: clock.images))
        if device == .cpu, let what = statistics.firstNotFinite {
            throw TrainingError.diverged(what: what, step: clock.steps, kept: "")
        }
    }

    /// The means since the last call.
    /// - Throws: `TrainingError.diverged` when one is not finite.
    public func takeStatistics() throws -> StepStatistics.Means {
        if let what = statistics.firstNotFinite {
            throw TrainingError.diverged(what: what, step: clock.steps, kept: "")
        }
        defer { statistics = StepStatistics(device: device) }
        return statistics.means
    }

    public func takeReadings() throws -> [Reading] {
        let means = try takeStatistics()
        return [
            Reading("lossD", "loss/discriminator", ("loss", "D"), means.discriminatorLoss),
            Reading("lossG", "loss/generator", ("loss", "G"), means.generatorLoss),
            Reading("realScore", "score/real", ("", "D(real)"), means.realScore),
            Reading("fakeScore", "score/fake", ("", "D(fake)"), means.fakeScore),
        ]
    }

    public func exhibition(of store: FaceStore, subset: [Int]?) throws -> any Exhibition {
        try GeneratedFaces(of: averaged ?? generator, recipe: recipe, store: store, subset: subset)
    }

    // MARK: One step of each

    private func generate() -> Tensor {
        let z = recipe.generator.latent.sample(recipe.batchSize, random: latents).to(device)
        return computing { generator(z) }
    }

    private func judge(_ images: Tensor) -> Tensor {
        computing { discriminator(images) }.to(.float32)
    }

    /// One step of the discriminator on real and on detached generated pictures, each [N, 3, R, R].
    package func trainDiscriminator(real: Tensor, fake: Tensor) {
        let weights = discriminatorOptimizer.parameters.map(\.parameter.value)
        // Each tape is used up before the next begins, so that only one is alive.
        var (game, found) =
            discriminator.usesBatchStatistics
            ? playApart(real, fake, wrt: weights) : playTogether(real, fake, wrt: weights)
        if recipe.gradientPenalty.weight > 0 {
            let share = Tensor.uniform([real.shape[0], 1, 1, 1], random: shares).to(device)
            let penalty = recipe.gradientPenalty(real: real, fake: fake, share: share, critic: judge)
            Self.add(&found, gradients(of: [penalty], wrt: weights))
            game.loss = game.loss.detached() + penalty.detached()
        }
        withoutGradients {
            apply(found, recipe.discriminatorOptimizer, discriminatorOptimizer)
            statistics.add(
                discriminatorLoss: game.loss, realScore: recipe.loss.score(game.real),
                fakeScore: recipe.loss.score(game.fake))
        }
    }

    /// Logits of both kinds of pictures and the loss.
    private typealias Game = (real: Tensor, fake: Tensor, loss: Tensor)

    /// Both kinds of pictures in one batch.
    private func playTogether(_ real: Tensor, _ fake: Tensor, wrt weights: [Tensor]) -> (Game, [Tensor?]) {
        let count = real.shape[0]
        let logits = judge(Tensor.concatenated([real, fake.to(real.dtype)]))
        return game(logits[0..<count], logits[count..<(2 * count)], wrt: weights)
    }

    /// The loss of both kinds at once.
    private func game(_ real: Tensor, _ fake: Tensor, wrt weights: [Tensor]) -> (Game, [Tensor?]) {
        let loss = withDrift(recipe.loss.discriminator(real: real, fake: fake), real)
        return ((real, fake, loss), gradients(of: [loss], wrt: weights))
    }

    /// A batch for each kind of pictures, as batch statistics want it.
    private func playApart(_ real: Tensor, _ fake: Tensor, wrt weights: [Tensor]) -> (Game, [Tensor?]) {
        let realLogits = judge(real)
        // Pairs have one loss and one tape.
        if recipe.loss.isRelativistic { return game(realLogits, judge(fake), wrt: weights) }
        let realLoss = withDrift(recipe.loss.real(realLogits), realLogits)
        var found = gradients(of: [realLoss], wrt: weights)
        let fakeLogits = judge(fake)
        let fakeLoss = recipe.loss.fake(fakeLogits)
        Self.add(&found, gradients(of: [fakeLoss], wrt: weights))
        return ((realLogits, fakeLogits, withoutGradients { realLoss + fakeLoss }), found)
    }

    private func withDrift(_ loss: Tensor, _ realLogits: Tensor) -> Tensor {
        let drift = recipe.gradientPenalty.drift
        return drift > 0 ? loss + realLogits.square().mean() * drift : loss
    }

    /// Adds gradients to others; nil stands for zero.
    private static func add(_ found: inout [Tensor?], _ more: [Tensor?]) {
        let both = found.indices.filter { found[$0] != nil && more[$0] != nil }
        if !both.isEmpty {
            withoutGradients { foreachAdd_(both.map { found[$0]! }, both.map { more[$0]! }) }
        }
        for index in found.indices where found[index] == nil { found[index] = more[index] }
    }

    private func trainGenerator(_ fake: Tensor, against real: Tensor) {
        let logits = judge(fake)
        let loss =
            recipe.loss.isRelativistic
            ? recipe.loss.generator(fake: logits, real: withoutGradients { judge(real) })
            : recipe.loss.generator(logits)
        // Only the generator's gradients are asked for, so none of the discriminator's weights are computed.
        let found = gradients(of: [loss], wrt: generatorOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            apply(found, recipe.generatorOptimizer, generatorOptimizer)
            statistics.add(generatorLoss: loss)
        }
    }

    // MARK: Saving

    public var sections: [(name: String, tensors: [(key: String, tensor: Tensor)])] {
        [("generator", generator.state)] + (averaged.map { [("average", $0.state)] } ?? []) + [
            ("discriminator", discriminator.state),
            ("optimizer.generator", generatorOptimizer.state),
            ("optimizer.discriminator", discriminatorOptimizer.state),
            ("statistics", statistics.state),
        ]
    }

    public var streams: [(name: String, source: RandomSource)] {
        [("latents", latents)] + (recipe.gradientPenalty.weight > 0 ? [("shares", shares)] : [])
    }
}
