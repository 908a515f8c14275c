import Checkpoints
import Datasets
import Models
import Objectives
import Recipes
import Settings
import Torch
import TorchNN

/// Trainer of a generator and a discriminator.
///
/// A training step is a list of phases: the discriminator's loss and lazy regularizers, repeated for the number of
/// discriminator steps, then the generator's loss and lazy regularizers.
public final class AdversarialTrainer: Trainer {
    /// Recipe of the run.
    public let recipe: Recipe
    let settings: AdversarialSettings
    /// Device of the networks.
    public let device: Device
    /// Precision of the computation; never `.auto`.
    public let precision: Precision
    /// Kernels of the computation.
    public let kernels: Kernels
    /// Trained generator.
    public let generator: any Generator
    /// Trained discriminator.
    public let discriminator: any Discriminator
    /// Moving average of the generator; nil if the recipe has none.
    public let averaged: (any Generator)?
    /// Sampler of latents with labels, for previews and scores.
    public let sampler: LatentSampler
    /// Registry of the tensors and random streams that a step changes.
    public let state = TrainingState()
    /// Steps and images so far.
    public var clock = TrainingClock()
    /// Recoveries from divergence.
    public var recoveries = RecoveryHistory()

    // Sums since the last report.
    let statistics: StepStatistics
    let health: HealthStatistics
    let balance: StepBalance
    let generatorOptimizer: any Optimizer
    let discriminatorOptimizer: any Optimizer
    let discriminatorRegularizers: [Regularizer<DiscriminatorContext>]
    let generatorRegularizers: [Regularizer<GeneratorContext>]
    let perceptual: PerceptualNetwork?
    let augmentation: DiscriminatorAugmentation
    let average: ExponentialAverage?
    /// Columns of the pictures' labels that the recipe uses, and the number of columns.
    let columns: (asked: [Int], width: Int)
    // Steps of each network, for the intervals of lazy regularizers.
    let discriminatorSteps = StepCounter()
    let generatorSteps = StepCounter()
    /// Whether a pass in training mode changes buffers, such as those of spectral normalization.
    let changesBuffers: Bool
    let latentStream, augmentStream, mixStream, noiseStream, pathStream: RandomSource
    /// Graphs of the steps.
    public let graphs: StepGraphs
    private let filter = ResamplingFilter()

    /// Creates the networks with initial weights from `seed`.
    /// - Parameters:
    ///   - recipe: settings of the run.
    ///   - labels: labels of the pictures, with the attributes of a conditional recipe.
    ///   - seed: seed of the initial weights and of all random streams.
    ///   - device: device of the networks.
    ///   - precision: precision of the networks; `.auto` is resolved for the device.
    ///   - kernels: fast kernels, or those of libtorch.
    ///   - generatorRegularizers: regularizers in addition to those of the recipe.
    ///   - drawsOnCPU: whether random numbers are those of the CPU on every device. Steps on CUDA then run without graphs.
    /// - Throws: `TrainingError.refused` if an attribute is missing; `WeightsError` or `CheckpointError` if the perceptual
    ///   network is missing.
    public init(
        recipe: Recipe, labels: Labels = Labels(count: 0), seed: UInt64, device: Device = .cpu,
        precision: Precision = .auto, kernels: Kernels = .standard,
        generatorRegularizers: [Regularizer<GeneratorContext>] = [], drawsOnCPU: Bool = false
    ) throws {
        (self.recipe, self.device, self.kernels) = (recipe, device, kernels)
        // First, because it selects the stream for all work of this thread.
        graphs = StepGraphs(on: device)
        let settings = recipe.adversarial
        self.settings = settings
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
            recipe.average.isOn
            ? settings.makeGenerator(resolution: recipe.resolution, random: random) : nil
        average = ExponentialAverage(averaged, following: generator)
        discriminatorRegularizers = settings.discriminatorRegularizers
        self.generatorRegularizers = settings.generatorRegularizers(on: device) + generatorRegularizers
        if recipe.training.gradientCheckpointing {
            // Regularizers differentiate gradients, which checkpointed parts do not support.
            generator.setCheckpointed(self.generatorRegularizers.isEmpty)
            discriminator.setCheckpointed(discriminatorRegularizers.isEmpty)
        }
        generatorOptimizer = settings.generatorOptimizer.make(
            for: generator, correction: Regularizer.correction(self.generatorRegularizers))
        discriminatorOptimizer = settings.discriminatorOptimizer.make(
            for: discriminator, correction: Regularizer.correction(discriminatorRegularizers))
        changesBuffers = !discriminator.usesBatchStatistics && !discriminator.buffers.isEmpty
        augmentation = DiscriminatorAugmentation(settings.augment, device: device)
        var streams = RandomStreams(seed: seed, on: drawsOnCPU ? .cpu : device)
        latentStream = streams.next()
        mixStream = streams.next()
        augmentStream = streams.next()
        noiseStream = streams.next()
        pathStream = streams.next()
        statistics = StepStatistics(device: device)
        health = HealthStatistics(device: device)
        balance = StepBalance(settings.steps)
        registerState()
        clockChanged()
        if drawsOnCPU { graphs.turnOff() }
        if balance.isAdaptive { graphs.turnOff(because: "the number of discriminator steps is adaptive") }
    }

    private func registerState() {
        state.register("generator") { [generator] in generator.state }
        if let averaged { state.register("average") { averaged.state } }
        if let labels = sampler.labels {
            let tensors = Checkpoint.section(of: labels)
            state.register("labels") { tensors }
        }
        state.register("discriminator") { [discriminator] in discriminator.state }
        state.register("optimizer.generator") { [generatorOptimizer] in generatorOptimizer.state }
        state.register("optimizer.discriminator") { [discriminatorOptimizer] in discriminatorOptimizer.state }
        state.register("statistics", .sum) { [unowned self] in statistics.state }
        state.register("health", .sum, isOptional: true) { [unowned self] in health.state }
        state.register("augment") { [augmentation] in augmentation.state }
        state.register("balance") { [balance] in balance.state }
        for (name, counter, isLazy) in [
            (
                "regularizers.discriminator", discriminatorSteps,
                discriminatorRegularizers.contains { $0.interval > 1 }
            ),
            ("regularizers.generator", generatorSteps, generatorRegularizers.contains { $0.interval > 1 }),
        ] where isLazy {
            state.register(name) { counter.state }
        }
        for regularizer in generatorRegularizers where !regularizer.state.isEmpty {
            state.register("regularizers." + regularizer.name, .mean) { regularizer.state }
        }
        state.register(stream: "latents", latentStream)
        if !discriminatorRegularizers.isEmpty { state.register(stream: "mixWeights", mixStream) }
        if settings.augment.kind != .none { state.register(stream: "augment", augmentStream) }
        if settings.instanceNoise.deviation > 0 { state.register(stream: "noise", noiseStream) }
        if !generatorRegularizers.isEmpty { state.register(stream: "path", pathStream) }
    }

    /// Trained networks with their names in reports.
    public var networks: [(name: String, network: Module)] {
        [("generator", generator), ("discriminator", discriminator)]
    }

    /// Real images of one step. For adaptive steps, the number while the accuracy is within the band.
    public var imagesPerStep: Int {
        recipe.batchSize(images: clock.images) * settings.steps.discriminator
    }

    /// Sets the growth of the networks and the step counters from the restored state.
    public func clockChanged() {
        growth.map(grow)
        setFade()
        discriminatorSteps.reload()
        generatorSteps.reload()
    }

    /// Generated faces and their distance to the pictures of the store.
    /// - Parameters:
    ///   - store: pictures of the run.
    ///   - subset: indices of the training pictures; nil for all.
    /// - Throws: `EvaluationError` for an unknown metric.
    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try GeneratorMonitor(
            of: averaged ?? generator, sampler: sampler, recipe: recipe, store: store, subset: subset)
    }

    // MARK: Step

    /// Performs the discriminator's steps and the generator's steps, and updates the moving average.
    /// - Parameter batches: returns the next real pictures with labels.
    /// - Throws: `TrainingError.diverged` if a loss is not finite; on CUDA the next `takeReport` throws it.
    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        let growth = growth
        growth.map(grow)
        let count = recipe.batchSize(images: clock.images)
        let skips = balance.skips()
        var steps = settings.steps.discriminator
        if graphs.isOn {
            let loaded = graphs.load((0..<steps).map { _ in batches(count) }, columns)
            graphs.run(kind(count, growth)) { perform(count, growth, skips: false, realBatch: loaded) }
        } else {
            steps = perform(count, growth, skips: skips) { [columns, graphs] _ in
                graphs.tensors(of: batches(count), columns)
            }
        }
        if !skips { discriminatorSteps.advance(by: steps) }
        generatorSteps.advance(by: settings.steps.generator)
        clock.steps += 1
        clock.images += steps * count
        setFade()
        if let growth, settings.growth.resetsOptimizers, !growth.hasSameLayers(as: self.growth!) {
            generatorOptimizer.reset()
            discriminatorOptimizer.reset()
        }
        if device == .cpu, let what = statistics.firstNotFinite {
            throw TrainingError.diverged(what: what, step: clock.steps, kept: "")
        }
    }

    /// Everything that changes the work of a step, apart from factors.
    private func kind(_ count: Int, _ growth: Growth?) -> GraphRecorder.Kind {
        func due<Context>(_ regularizers: [Regularizer<Context>], _ counter: StepCounter, _ steps: Int)
            -> [Int]
        {
            let intervals = regularizers.map(\.interval).filter { $0 > 1 }
            return (0..<steps).flatMap { step in
                intervals.map { (counter.value + step) % $0 == 0 ? 1 : 0 }
            }
        }
        let fades = (growth?.alpha ?? 1) < 1 || enlargementWeight < 1
        return [count, growth?.side ?? 0, fades ? 1 : 0, instanceNoise > 0 ? 1 : 0]
            + due(discriminatorRegularizers, discriminatorSteps, settings.steps.discriminator)
            + due(generatorRegularizers, generatorSteps, settings.steps.generator)
    }

    /// The work of a step on the device. It does not change the clock and the counters.
    /// - Parameters:
    ///   - count: pictures of a batch.
    ///   - growth: current growth; nil for networks that do not grow.
    ///   - skips: whether the discriminator is measured but not trained.
    ///   - realBatch: returns real pictures [count, 3, R, R] and labels [count, K] of a discriminator step.
    /// - Returns: number of discriminator steps.
    @discardableResult
    private func perform(
        _ count: Int, _ growth: Growth?, skips: Bool, realBatch: (Int) -> (pictures: Tensor, labels: Tensor?)
    ) -> Int {
        scheduleOptimizers()
        var fade: Factor?
        if let growth, growth.alpha < 1 {
            fade = graphs.factor { [unowned self] in self.growth?.alpha ?? 1 }
            for network in [generator, averaged, discriminator] as [Module?] {
                (network as? any Growing)?.fade = fade!
            }
        }
        var enlargement: Factor?
        if enlargementWeight < 1 {
            enlargement = graphs.factor { [unowned self] in enlargementWeight }
            for network in [generator, averaged, discriminator] as [Module?] {
                (network as? any FadesIn)?.fade = enlargement
            }
        }
        var steps = 0
        var context: StepContext
        repeat {
            let (pictures, given) = realBatch(steps)
            // An absent class is 0 instead of -1.
            let labels = settings.conditions.exclusive ? given?.clampedBelow(0) : given
            steps += 1
            // Only the last pictures are used in the generator's step and need gradients.
            let fake =
                balance.canEnd(after: steps)
                ? generate(count, labels) : withoutGradients { generate(count, labels) }
            var real = growth?.faded(pictures, weight: fade) ?? pictures
            if let enlargement {
                real = withoutGradients {
                    filter.faded(real, from: settings.enlargement.fromSide, weight: enlargement)
                }
            }
            context = StepContext(real: real, labels: labels, fake: fake)
            if skips {
                measureDiscriminator(context)
            } else {
                trainDiscriminator(
                    real: context.real, fake: context.fake.detached(), labels: labels,
                    earlierSteps: discriminatorSteps.value + steps - 1)
            }
        } while balance.repeats(after: steps)
        for index in 0..<settings.steps.generator {
            if index > 0 { context.fake = generate(count, context.labels) }
            trainGenerator(context, earlierSteps: generatorSteps.value + index)
        }
        let taken = steps * count
        average?.update(
            decay: graphs.factor { [unowned self] in
                recipe.average.decay(batchSize: taken, images: clock.images + taken)
            })
        return steps
    }

    private func scheduleOptimizers() {
        schedule(
            generatorOptimizer, settings.generatorOptimizer,
            correction: Regularizer.correction(generatorRegularizers))
        schedule(
            discriminatorOptimizer, settings.discriminatorOptimizer,
            correction: Regularizer.correction(discriminatorRegularizers))
    }

    /// The growth at the current clock; nil for networks that do not grow.
    private var growth: Growth? { settings.growth(images: clock.images, resolution: recipe.resolution) }

    /// Weight of the larger blocks of enlarged networks at the current clock; 1 for other networks.
    private var enlargementWeight: Double { settings.enlargement.weight(images: clock.images) ?? 1 }

    private func setFade() {
        settings.setFade(of: [generator, averaged, discriminator], images: clock.images)
    }

    private func grow(to growth: Growth) {
        for network in [generator, averaged, discriminator] as [Module?] {
            (network as? any Growing)?.growth = growth
        }
    }

    func generate(_ count: Int, _ labels: Tensor?) -> Tensor {
        let z = settings.generator.latent.sample(count, random: latentStream).to(device)
        return computing { generator(Latents(z, labels: labels), noise: .random(latentStream)) }
    }

    // MARK: Reports

    /// Means of losses and scores since the last call.
    /// - Throws: `TrainingError.diverged` if a value is not finite.
    public func takeStatistics() throws -> StepStatistics.Means {
        if let what = statistics.firstNotFinite {
            throw TrainingError.diverged(what: what, step: clock.steps, kept: "")
        }
        defer { statistics.reset() }
        return statistics.means
    }

    /// Means of the losses and scores since the last call.
    /// - Throws: `TrainingError.diverged` if a sum is not finite.
    public func takeReport() throws -> TrainerReport {
        let means = try takeStatistics()
        defer { health.reset() }
        var scalars = [
            Scalar("lossD", "loss/discriminator", ("loss", "D"), means.discriminatorLoss),
            Scalar("lossG", "loss/generator", ("loss", "G"), means.generatorLoss),
            Scalar("realScore", "score/real", ("", "D(real)"), means.realScore),
            Scalar("fakeScore", "score/fake", ("", "D(fake)"), means.fakeScore),
        ]
        let scheduled = settings.augment.probability
        let probability: Double? =
            settings.augment.kind == .ada
            ? augmentation.probability : scheduled.isConstant ? nil : scheduled.value(atKimg: clock.kimg)
        if let probability {
            scalars.append(Scalar("augmentProbability", "augment/probability", ("", "p"), probability))
        }
        if let growth {
            scalars.append(Scalar("side", "growth/side", ("", "side"), Double(growth.side)))
            scalars.append(Scalar("alpha", "growth/alpha", ("", "alpha"), growth.alpha))
        }
        if let weight = settings.enlargement.weight(images: clock.images) {
            scalars.append(Scalar("alpha", "growth/alpha", ("", "alpha"), weight))
        }
        let values = health.values(
            regularized: !discriminatorRegularizers.isEmpty, adaptive: balance.isAdaptive)
        return TrainerReport(scalars: scalars + values.scalars, health: values)
    }

    /// Minimum value of the discriminator's penalty that counts as a spike.
    public var minPenaltySpike: Double { max(1, discriminatorRegularizers.map(\.minSpike).max() ?? 1) }
}
