import Checkpoints
import Datasets
import Models
import Objectives
import Recipes
import Torch
import TorchNN

/// The game of a generator and a discriminator: both networks, their optimizers and the average.
public final class AdversarialTrainer: Trainer {
    public let recipe: Recipe
    let settings: AdversarialSettings
    public let device: Device
    /// Never `.auto`.
    public let precision: Precision
    public let kernels: Kernels
    public let generator: any Generator
    public let discriminator: any Discriminator
    /// The generator's moving average; nil when the recipe has none.
    public let averaged: (any Generator)?
    /// Draws latents with labels, for previews and scores.
    public let sampler: LatentSampler
    public var clock = TrainingClock()
    public var recoveries = RecoveryHistory()
    /// What the steps since the last `takeStatistics` summed up.
    var statistics: StepStatistics
    var health: HealthStatistics
    let balance: StepBalance

    let generatorOptimizer: any Optimizer
    let discriminatorOptimizer: any Optimizer
    /// Where the penalties' pictures lie.
    let shares: RandomSource
    /// Of what is added to what the discriminator sees.
    let noise: RandomSource
    let perceptual: PerceptualNetwork?
    /// What the discriminator sees of pictures.
    let view: DiscriminatorAugmentation
    /// What a step of the discriminator is worth beside those of lazy penalties.
    private let correction: Double
    private let average: ExponentialAverage?
    private let latents: RandomSource
    /// How pictures are changed for the view.
    private let changes: RandomSource
    /// Columns of the pictures' labels that the recipe asks for, and how many there are.
    private let columns: (asked: [Int], width: Int)
    /// Steps of the discriminator, by which lazy penalties are taken; Float64, [].
    let lazySteps = Tensor.zeros([], dtype: .float64)
    /// Whether a pass in training moves buffers of a discriminator whose pictures are judged one by one.
    let movesInPasses: Bool

    /// Makes the networks with starting values from `seed`.
    /// - Parameter labels: the pictures', of which a conditional recipe needs the attributes that it names.
    /// - Throws: `TrainingError.refused` when they lack one; `CheckpointError` for a perceptual network that is not there.
    public init(
        recipe: Recipe, labels: Labels = Labels(count: 0), seed: UInt64, device: Device = .cpu,
        precision: Precision = .auto, kernels: Kernels = .standard
    ) throws {
        self.recipe = recipe
        let settings = recipe.adversarial
        self.settings = settings
        self.device = device
        self.kernels = kernels
        self.precision = precision.resolved(for: device)
        columns = try recipe.columns(of: labels)
        sampler = LatentSampler(settings.generator.latent, labels: recipe.rows(of: labels, columns.asked))
        perceptual =
            try settings.perceptual.loss.weight > 0 ? PerceptualNetwork(settings.perceptual, device) : nil
        let random = RandomSource(seed: seed)
        generator = settings.makeGenerator(resolution: recipe.resolution, random: random)
        discriminator = settings.makeDiscriminator(resolution: recipe.resolution, random: random)
        generator.move(to: device, format: .channelsLast)
        discriminator.move(to: device, format: .channelsLast)
        averaged =
            recipe.average.halfLifeKimg > 0
            ? settings.makeGenerator(resolution: recipe.resolution, random: random) : nil
        average = ExponentialAverage(averaged, following: generator)
        let penalties = settings.penalties
        if recipe.training.gradientCheckpointing {
            generator.setCheckpointed()
            // A penalty differentiates the gradients, which a recomputed part does not offer.
            discriminator.setCheckpointed(penalties.isEmpty)
        }
        correction = LazyRegularization.correction(penalties)
        generatorOptimizer = settings.generatorOptimizer.make(for: generator)
        discriminatorOptimizer = settings.discriminatorOptimizer.make(
            for: discriminator, correction: correction)
        movesInPasses = !discriminator.usesBatchStatistics && !discriminator.buffers.isEmpty
        view = DiscriminatorAugmentation(settings.augment, device: device)
        changes = RandomSource(seed: seed &+ 3)
        latents = RandomSource(seed: seed &+ 1)
        shares = RandomSource(seed: seed &+ 2)
        noise = RandomSource(seed: seed &+ 4)
        statistics = StepStatistics(device: device)
        health = HealthStatistics(device: device)
        balance = StepBalance(settings.steps)
        clockChanged()
    }

    public var networks: [(name: String, network: Module)] {
        [("generator", generator), ("discriminator", discriminator)]
    }

    /// Where steps adapt, those of a turn within the band.
    public var imagesPerStep: Int { recipe.batchSize(images: clock.images) * settings.steps.discriminator }

    /// One turn of the game: the discriminator's steps, then the generator's, then the average.
    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        let factor = learningRateFactor
        generatorOptimizer.learningRate = settings.generatorOptimizer.learningRate * factor
        discriminatorOptimizer.learningRate =
            settings.discriminatorOptimizer.learningRate * factor * correction
        let growth = settings.growth(images: clock.images, resolution: recipe.resolution)
        growth.map(grow)
        let count = recipe.batchSize(images: clock.images)

        let onlyLooks = balance.skips()
        var looks = 0
        var (real, fake, labels): (Tensor, Tensor, Tensor?)
        repeat {
            looks += 1
            let batch = batches(count)
            labels = columns.asked.isEmpty ? nil : batch.labels(columns, on: device)
            let pictures = Tensor.pictures(batch.pixels, count: batch.count, side: batch.height, on: device)
            real = growth?.faded(pictures) ?? pictures
            // Only the last ones go on to the generator's step and need a tape.
            fake =
                balance.canEnd(after: looks)
                ? generate(count, labels) : withoutGradients { generate(count, labels) }
            if onlyLooks {
                look(real: real, fake: fake.detached(), labels: labels)
            } else {
                trainDiscriminator(real: real, fake: fake.detached(), labels: labels)
            }
        } while balance.goesOn(after: looks)
        let taken = looks * count
        for turn in 0..<settings.steps.generator {
            if turn > 0 { fake = generate(count, labels) }
            trainGenerator(fake, against: real, labels: labels)
        }
        clock.steps += 1
        clock.images += taken
        average?.update(decay: recipe.average.decay(batchSize: taken, images: clock.images))
        if let growth, settings.growth.resetsOptimizers,
            !growth.hasSameLayers(as: settings.growth(images: clock.images, resolution: recipe.resolution)!)
        {
            generatorOptimizer.reset()
            discriminatorOptimizer.reset()
        }
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

    public func takeReadings() throws -> [Scalar] {
        let means = try takeStatistics()
        defer { health = HealthStatistics(device: device) }
        let growth = settings.growth(images: clock.images, resolution: recipe.resolution)
        return [
            Scalar("lossD", "loss/discriminator", ("loss", "D"), means.discriminatorLoss),
            Scalar("lossG", "loss/generator", ("loss", "G"), means.generatorLoss),
            Scalar("realScore", "score/real", ("", "D(real)"), means.realScore),
            Scalar("fakeScore", "score/fake", ("", "D(fake)"), means.fakeScore),
        ]
            + (settings.augment.kind == .ada
                ? [Scalar("viewProbability", "view/probability", ("", "p"), view.probability)] : [])
            + (growth.map {
                [
                    Scalar("side", "growth/side", ("", "side"), Double($0.side)),
                    Scalar("alpha", "growth/alpha", ("", "alpha"), $0.alpha),
                ]
            } ?? []) + health.readings(penalized: !settings.penalties.isEmpty, turns: balance.isAdaptive)
    }

    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try GeneratedFaces(
            of: averaged ?? generator, sampler: sampler, recipe: recipe, store: store, subset: subset)
    }

    public func clockChanged() {
        settings.growth(images: clock.images, resolution: recipe.resolution).map(grow)
    }

    // MARK: What both steps need

    /// Moves all networks to where the clock says.
    private func grow(to growth: Growth) {
        for network in [generator, averaged, discriminator] as [Module?] {
            (network as? any Growing)?.growth = growth
        }
    }

    private func generate(_ count: Int, _ labels: Tensor?) -> Tensor {
        let z = settings.generator.latent.sample(count, random: latents).to(device)
        return computing { generator(Latents(z, labels: labels)) }
    }

    /// What the discriminator says of what it sees of pictures.
    /// - Parameter moves: whether this is the pass of a step that moves the power iterations of spectral norms.
    func judge(_ images: Tensor, _ labels: Tensor?, moves: Bool = true) -> DiscriminatorOutput {
        if movesInPasses, discriminator.isTraining != moves { discriminator.train(moves) }
        let seen = view(images, random: changes)
        var verdict = computing { discriminator(seen, labels: labels) }
        verdict.logits = verdict.logits.to(.float32)
        return verdict
    }

    // MARK: Saving

    public var sections: [(name: String, tensors: [(key: String, tensor: Tensor)])] {
        [("generator", generator.state)] + (averaged.map { [("average", $0.state)] } ?? [])
            + (sampler.labels.map { [("labels", Checkpoint.section(of: $0))] } ?? []) + [
                ("discriminator", discriminator.state),
                ("optimizer.generator", generatorOptimizer.state),
                ("optimizer.discriminator", discriminatorOptimizer.state),
                ("statistics", statistics.state),
                (HealthStatistics.section, health.state),
            ] + (view.state.isEmpty ? [] : [("view", view.state)])
            + (balance.isAdaptive ? [("balance", balance.state)] : [])
            + (settings.penalties.contains { $0.every > 1 } ? [("penalties", [("steps", lazySteps)])] : [])
    }

    public var streams: [(name: String, source: RandomSource)] {
        [("latents", latents)] + (settings.penalties.isEmpty ? [] : [("shares", shares)])
            + (settings.augment.kind == .none ? [] : [("changes", changes)])
            + (settings.instanceNoise.deviation > 0 ? [("noise", noise)] : [])
    }
}
