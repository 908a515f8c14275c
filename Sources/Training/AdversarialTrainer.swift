import Checkpoints
import Datasets
import Models
import Objectives
import Torch
import TorchNN

/// Both networks, their optimisers and everything else that a step changes; no files, no clock on the wall.
public final class AdversarialTrainer {
    public let recipe: Recipe
    public let device: Device
    /// Never `.auto`.
    public let precision: Precision
    public let generator: any Generator
    public let discriminator: any Discriminator
    /// The moving average; nil when the recipe has none.
    public let average: ExponentialAverage?
    public private(set) var clock = TrainingClock()
    /// What the steps since the last `takeStatistics` summed up.
    private var statistics: StepStatistics

    private let generatorOptimizer: any Optimizer
    private let discriminatorOptimizer: any Optimizer
    private let latents: RandomSource
    private let schedule: LearningRateSchedule

    /// Makes the networks with starting values from `seed`.
    public init(recipe: Recipe, seed: UInt64, device: Device = .cpu, precision: Precision = .auto) {
        self.recipe = recipe
        self.device = device
        self.precision = precision.resolved(for: device)
        let random = RandomSource(seed: seed)
        generator = recipe.generator.make(resolution: recipe.resolution, random: random)
        discriminator = recipe.discriminator.make(resolution: recipe.resolution, random: random)
        generator.move(to: device, format: .channelsLast)
        discriminator.move(to: device, format: .channelsLast)
        if recipe.average.halfLifeKimg > 0 {
            let copy = recipe.generator.make(resolution: recipe.resolution, random: random)
            copy.move(to: device, format: .channelsLast)
            average = ExponentialAverage(copy, following: generator)
        } else {
            average = nil
        }
        generatorOptimizer = recipe.generatorOptimizer.make(for: generator)
        discriminatorOptimizer = recipe.discriminatorOptimizer.make(for: discriminator)
        schedule = recipe.schedule.schedule
        latents = RandomSource(seed: seed &+ 1)
        statistics = StepStatistics(device: device)
    }

    /// Real images that one step takes.
    public var imagesPerStep: Int { recipe.batchSize * recipe.steps.discriminator }

    /// One turn of the game: the discriminator's steps, then the generator's, then the average.
    /// - Parameter batches: gives the next batch of real pictures.
    /// - Throws: `TrainingError.diverged` when a loss is not finite (on CUDA at the next `takeStatistics`).
    public func step(_ batches: () -> ImageBatch) throws {
        let factor = schedule.factor(atKimg: clock.kimg)
        generatorOptimizer.learningRate = recipe.generatorOptimizer.learningRate * factor
        discriminatorOptimizer.learningRate = recipe.discriminatorOptimizer.learningRate * factor

        var fake = generate()
        for turn in 0..<recipe.steps.discriminator {
            if turn > 0 { fake = generate() }
            trainDiscriminator(real: images(batches()), fake: fake.detached())
        }
        for turn in 0..<recipe.steps.generator {
            if turn > 0 { fake = generate() }
            trainGenerator(fake)
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

    /// The factor of the learning rates now.
    public var learningRateFactor: Double { schedule.factor(atKimg: clock.kimg) }

    // MARK: One step of each

    private func generate() -> Tensor {
        let z = recipe.generator.latent.sample(recipe.batchSize, random: latents).to(device)
        return withAutocast(precision.autocast, on: device) { generator(z) }
    }

    private func judge(_ images: Tensor) -> Tensor {
        withAutocast(precision.autocast, on: device) { discriminator(images) }.to(.float32)
    }

    private func trainDiscriminator(real: Tensor, fake: Tensor) {
        let weights = discriminatorOptimizer.parameters.map(\.parameter.value)
        // One after the other, so that only one tape is alive.
        let realLogits = judge(real)
        let realLoss = recipe.loss.real(realLogits)
        let realGradients = gradients(of: [realLoss], wrt: weights)
        let fakeLogits = judge(fake)
        let fakeLoss = recipe.loss.fake(fakeLogits)
        let fakeGradients = gradients(of: [fakeLoss], wrt: weights)
        withoutGradients {
            foreachAdd_(realGradients.compactMap { $0 }, fakeGradients.compactMap { $0 })
            apply(realGradients, recipe.discriminatorOptimizer, discriminatorOptimizer)
            statistics.add(
                discriminatorLoss: realLoss + fakeLoss, realScore: realLogits.sigmoid().mean(),
                fakeScore: fakeLogits.sigmoid().mean())
        }
    }

    private func trainGenerator(_ fake: Tensor) {
        let logits = judge(fake)
        let loss = recipe.loss.generator(logits)
        // Only the generator's gradients are asked for, so none of the discriminator's weights are computed.
        let found = gradients(of: [loss], wrt: generatorOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            apply(found, recipe.generatorOptimizer, generatorOptimizer)
            statistics.add(generatorLoss: loss)
        }
    }

    private func apply(_ found: [Tensor?], _ settings: OptimizerSettings, _ optimizer: any Optimizer) {
        var found = found
        if settings.clipNorm > 0 { clipGradients(&found, maxNorm: settings.clipNorm) }
        optimizer.step(found)
    }

    /// Host pixels to [N, 3, H, W] in -1...1, channels last in memory.
    private func images(_ batch: ImageBatch) -> Tensor {
        let bytes = batch.pixels.withUnsafeBytes {
            Tensor(
                copying: $0, shape: [batch.count, batch.height, batch.width, batch.channels], dtype: .uint8)
        }
        return bytes.to(device).permuted([0, 3, 1, 2]).to(.float32) / 127.5 - 1
    }

    // MARK: Saving

    /// Everything that a step changes, except for the place in the data.
    public func checkpoint() -> Checkpoint {
        var checkpoint = Checkpoint(recipe: recipe, clock: clock)
        checkpoint.add("generator", generator.state)
        if let average { checkpoint.add("average", average.generator.state) }
        checkpoint.add("discriminator", discriminator.state)
        checkpoint.add("optimizer.generator", generatorOptimizer.state)
        checkpoint.add("optimizer.discriminator", discriminatorOptimizer.state)
        checkpoint.add("statistics", statistics.state)
        let state = latents.state
        checkpoint.add("random", [("latents", Tensor(bytes: state, shape: [state.count], dtype: .uint8))])
        checkpoint.facts["precision"] = precision.rawValue
        return checkpoint
    }

    /// Goes on from a saved state. Throws before anything has changed unless the file is of another network.
    public func restore(_ checkpoint: Checkpoint) throws {
        try generator.load(checkpoint.section("generator"))
        try average?.generator.load(checkpoint.section("average"))
        try discriminator.load(checkpoint.section("discriminator"))
        try generatorOptimizer.load(checkpoint.section("optimizer.generator"))
        try discriminatorOptimizer.load(checkpoint.section("optimizer.discriminator"))
        try statistics.load(checkpoint.section("statistics"))
        guard let state = checkpoint.section("random").first(where: { $0.key == "latents" }) else {
            throw CheckpointError("the state has no random.latents: it is a model, not a run's state")
        }
        try latents.restore(state.tensor.bytes())
        clock = checkpoint.clock
    }

    /// The first tensor of the networks that holds a number that is not finite.
    public func firstNotFinite() -> String? {
        withoutGradients {
            let all =
                generator.state.map { ("generator." + $0.key, $0.tensor) }
                + discriminator.state.map { ("discriminator." + $0.key, $0.tensor) }
            return all.first { $0.1.dtype.isFloatingPoint && !$0.1.sum().isFinite().item().isEqual(to: 1) }?.0
        }
    }
}
