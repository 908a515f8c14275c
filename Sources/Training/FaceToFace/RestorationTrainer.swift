import Checkpoints
import Datasets
import Evaluation
import Foundation
import Models
import Objectives
import Recipes
import Runs
import Torch
import TorchNN

/// Trainer of a restorer in phases, of which the last one has a critic.
public final class RestorationTrainer: Trainer {
    /// Recipe of the run.
    public let recipe: Recipe
    private let settings: RestorationSettings
    /// Device of the networks.
    public let device: Device
    /// Precision of the computation; never `.auto`.
    public let precision: Precision
    /// Kernels of the computation.
    public let kernels: Kernels
    /// Trained restorer.
    public let restorer: any Restorer
    /// Trained critic; nil for a recipe without an adversarial phase.
    public let critic: (any Discriminator)?
    /// Moving average of the restorer; nil if the recipe has none.
    public let averaged: (any Restorer)?
    /// Steps and images so far.
    public var clock = TrainingClock()
    /// Recoveries from divergence.
    public var recoveries = RecoveryHistory()
    /// Registry of the tensors and random streams that a step changes.
    public let state = TrainingState()
    /// Graphs of the steps.
    public let graphs: StepGraphs

    private let average: ExponentialAverage?
    private let perceptual: PerceptualNetwork?
    private let input: RestorerInput
    private let phases: PhaseClock
    private let restorerOptimizer: any Optimizer
    private let criticOptimizer: (any Optimizer)?
    /// RNG for warps and degradations of the input.
    private let inputStream: RandomSource
    /// RNG for learning-rate dropout.
    private let dropoutStream: RandomSource
    private let seed: UInt64
    /// Averaged weights at the start of the adversarial phase, with the keys of `restorer.state`.
    private let before: [(key: String, tensor: Tensor)]
    private let means: NamedMeans
    /// Pixel loss of the last step, [].
    private let pixelLoss: Tensor
    private var events: [TrainerEvent] = []

    /// Period of the learning rate with dropout, in steps (lr_dropout of DeepFaceLab).
    private static let dropoutPeriod = 500.0

    /// Creates the networks with initial weights from `seed`.
    /// - Parameters:
    ///   - recipe: settings of the run.
    ///   - seed: seed of the initial weights and of all random streams.
    ///   - device: device of the networks.
    ///   - precision: precision of the networks; `.auto` is resolved for the device.
    ///   - kernels: fast kernels, or those of libtorch.
    ///   - drawsOnCPU: whether random numbers are those of the CPU on every device. Steps on CUDA then run without graphs.
    /// - Throws: `CheckpointError`, `WeightsError` or `TrainingError.refused` if the perceptual network cannot be used.
    public init(
        recipe: Recipe, seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard, drawsOnCPU: Bool = false
    ) throws {
        let settings = recipe.restoration
        self.settings = settings
        (self.recipe, self.device, self.kernels, self.seed) = (recipe, device, kernels, seed)
        graphs = StepGraphs(on: device)
        self.precision = precision.resolved(for: device)
        perceptual =
            try settings.perceptual.loss.weight > 0 ? PerceptualNetwork(settings.perceptual, device) : nil
        let random = RandomSource(seed: seed)
        let restorer = settings.makeRestorer(resolution: recipe.resolution, random: random)
        restorer.move(to: device, format: .channelsLast)
        if recipe.training.gradientCheckpointing { restorer.setCheckpointed() }
        let isAdversarial = settings.phases.adversarialWeight > 0
        critic = isAdversarial ? recipe.makeCritic(seed: seed, attempt: 0, on: device) : nil
        averaged =
            recipe.average.isOn
            ? settings.makeRestorer(resolution: recipe.resolution, random: random) : nil
        average = ExponentialAverage(averaged, following: restorer)
        self.restorer = restorer
        before =
            isAdversarial
            ? withoutGradients { restorer.state.map { ($0.key, $0.tensor.detached().cloned()) } } : []
        restorerOptimizer = settings.restorerOptimizer.make(for: restorer)
        criticOptimizer = critic.map { settings.criticOptimizer.make(for: $0) }
        input = RestorerInput(settings.input)
        phases = PhaseClock(settings.phases)
        // Warps are drawn on the CPU.
        inputStream = RandomSource(seed: seed &+ 1)
        var streams = RandomStreams(seed: seed &+ 1, on: drawsOnCPU ? .cpu : device)
        dropoutStream = streams.next()
        pixelLoss = Tensor.zeros([], on: device)
        means = NamedMeans(["pixels", "features", "adversarial", "critic", "real", "fake"], on: device)
        registerState()
        if drawsOnCPU { graphs.turnOff() }
    }

    /// Trained networks with their names in reports.
    public var networks: [(name: String, network: Module)] {
        [("restorer", restorer)] + (critic.map { [("critic", $0)] } ?? [])
    }

    /// Real images of one step.
    public var imagesPerStep: Int { recipe.batchSize }

    /// Performs a step of the restorer and, in the adversarial phase, a step of the critic on the same pictures.
    /// - Parameter batches: returns the next real pictures.
    /// - Throws: `TrainingError.diverged` if a loss is not finite; `TrainingError.refused` after too many collapses.
    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        let (pictures, _) = graphs.load([batches(recipe.batchSize)], (asked: [], width: 0))(0)
        let target = graphs.inPlace(pictures, "target")
        // Inputs need draws on the host, so they are not recorded.
        let inputs = graphs.inPlace(input(target, warps: phases.warps, random: inputStream), "inputs")
        let work = phases.work
        graphs.run([recipe.batchSize] + work.kind) { perform(work, target, inputs) }
        clock.steps += 1
        clock.images += imagesPerStep
        let pixels = pixelLoss.item()
        guard pixels.isFinite else { throw diverged("the pixel loss") }
        try handle(phases.observe(pixels, images: clock.images))
    }

    /// The work of a step on the device: updates the restorer, its average and, in the adversarial phase, the critic.
    private func perform(_ work: PhaseClock.Work, _ target: Tensor, _ inputs: Tensor) {
        schedule(restorerOptimizer, settings.restorerOptimizer) { [unowned self] in
            let angle = 2 * Double.pi * Double(clock.steps) / Self.dropoutPeriod
            return work.hasDropout ? (cos(angle) + 1) / 2 : 1
        }
        let pictures = computing { restorer(inputs) }.to(.float32)
        trainRestorer(work, pictures, target)
        if work.adversarialWeight > 0, let critic, let criticOptimizer {
            schedule(criticOptimizer, settings.criticOptimizer)
            train(critic, criticOptimizer, real: target, fake: pictures.detached())
        }
        average?.update(
            decay: graphs.factor { [unowned self] in
                recipe.average.decay(batchSize: imagesPerStep, images: clock.images + imagesPerStep)
            })
    }

    private func diverged(_ what: String) -> TrainingError {
        .diverged(what: what, step: clock.steps, kept: "")
    }

    // MARK: Steps

    /// Updates the restorer, and stores its pixel loss.
    private func trainRestorer(_ work: PhaseClock.Work, _ pictures: Tensor, _ target: Tensor) {
        let pixels = settings.reconstruction(pictures, target: target)
        var (loss, parts) = (pixels, ["pixels": pixels])
        if let perceptual, work.comparesFeatures {
            let targetMaps = withoutGradients { perceptual.maps(target) }
            let term = settings.perceptual.loss(fake: perceptual.maps(pictures), real: targetMaps)
            (loss, parts["features"]) = (loss + term, term)
        }
        let weight = work.adversarialWeight
        if weight > 0, let critic {
            let fake = critic.frozen { discriminate(critic, pictures) }.allLogits
            let real =
                settings.loss.isRelativistic
                ? withoutGradients { discriminate(critic, target) }.allLogits : fake
            let term = zip(fake, real).map { settings.loss.generator(fake: $0, real: $1) }.total
            (loss, parts["adversarial"]) = (loss + term * weight, term)
        }
        let found = gradients(of: [loss], wrt: restorerOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            let weights = restorerOptimizer.parameters.map(\.parameter.value)
            let earlier = work.hasDropout ? weights.map { $0.cloned() } : []
            applyGradients(found, settings.restorerOptimizer, restorerOptimizer)
            for (value, old) in zip(weights, earlier) {
                let draws = Tensor.uniform(value.shape, random: dropoutStream).to(device)
                let isUpdated = draws.less(than: settings.phases.dropoutRate)
                value.copy_(value.where(isUpdated, else: old))
            }
            means.add(parts)
            pixelLoss.copy_(pixels.to(.float32))
        }
    }

    private func train(_ critic: any Discriminator, _ optimizer: any Optimizer, real: Tensor, fake: Tensor) {
        let step = CriticStep(
            loss: settings.loss, separatesBatches: critic.usesBatchStatistics, factor: 0.5,
            discriminate: { [unowned self] images, _ in discriminate(critic, images) },
            realTerms: { _ in nil })
        let (output, found) = step(
            real: real, fake: fake, wrt: optimizer.parameters.map(\.parameter.value))
        withoutGradients {
            applyGradients(found, settings.criticOptimizer, optimizer)
            means.add([
                "critic": output.loss, "real": settings.loss.score(output.real),
                "fake": settings.loss.score(output.fake),
            ])
        }
    }

    private func discriminate(_ critic: any Discriminator, _ images: Tensor) -> DiscriminatorOutput {
        computing { critic(images, labels: nil) }.single
    }

    // MARK: Phases

    /// Performs the change of phase or the reset of an event.
    private func handle(_ event: PhaseClock.Event) throws {
        switch event {
        case .nothing: break
        case .next(let isPlateau):
            let reason =
                isPlateau ? "the pixel loss no longer falls" : "the maximum length of the phase is reached"
            let isLast = phases.phase == .adversarial
            if isLast { withoutGradients { Self.copy(best, to: before) } }
            events.append(
                TrainerEvent(
                    "next phase: \(phases.phase.title), because \(reason)",
                    checkpointName: isLast ? RunDirectory.beforeCriticName : nil))
        case .collapse(let from, let to):
            let texts = (String(format: "%.4f", to), String(format: "%.4f", from))
            guard phases.collapses <= settings.phases.maxAttempts else {
                throw TrainingError.refused(
                    "the pixel loss collapsed \(phases.collapses) times in the adversarial phase: it is \(texts.0), and was "
                        + "\(texts.1) before that phase. The weights from before it are in "
                        + "checkpoints/\(RunDirectory.beforeCriticName).safetensors. Start another run with a lower phases.adversarialWeight."
                )
            }
            withoutGradients {
                Self.copy(before, to: restorer.state)
                if let averaged { Self.copy(before, to: averaged.state) }
                let fresh = recipe.makeCritic(seed: seed, attempt: phases.collapses, on: device)
                if let critic { Self.copy(fresh.state, to: critic.state) }
            }
            restorerOptimizer.reset()
            criticOptimizer?.reset()
            events.append(
                TrainerEvent(
                    "the pixel loss collapsed in the adversarial phase (\(texts.0), before that phase \(texts.1)): restored the "
                        + "weights from before it; new critic with weight \(phases.adversarialWeight)"))
        }
    }

    /// Weights for use: the averaged ones if the recipe has an average.
    private var best: [(key: String, tensor: Tensor)] { (averaged ?? restorer).state }

    private static func copy(
        _ source: [(key: String, tensor: Tensor)], to target: [(key: String, tensor: Tensor)]
    ) {
        for ((_, from), (_, to)) in zip(source, target) { to.copy_(from) }
    }

    /// Changes of the phase since the last call.
    public func takeEvents() -> [TrainerEvent] {
        defer { events = [] }
        return events
    }

    // MARK: Reports and state

    /// Means of the losses and scores since the last call.
    /// - Throws: `TrainingError.diverged` if a sum is not finite.
    public func takeReport() throws -> TrainerReport {
        if let name = means.firstNotFinite { throw diverged("the loss of \(name)") }
        let scalars = means.takeScalars([
            ("pixels", "loss/pixels", ("loss", "pixels")),
            ("features", "loss/features", ("loss", "features")),
            ("adversarial", "loss/adversarial", ("loss", "adversarial")),
            ("critic", "loss/critic", ("loss", "critic")),
            ("real", "score/real", ("", "D(real)")),
            ("fake", "score/fake", ("", "D(fake)")),
        ])
        return TrainerReport(
            scalars: scalars + [Scalar("phase", "phase/number", Double(phases.phase.rawValue))])
    }

    /// Held-out photographs and their restoration, and its quality.
    /// - Parameters:
    ///   - store: pictures of the run.
    ///   - subset: indices of the training pictures; nil for all.
    /// - Throws: `TrainingError.refused` if no picture is held out.
    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try RestorationMonitor(of: averaged ?? restorer, recipe: recipe, store: store, subset: subset)
    }

    private func registerState() {
        state.register("generator") { [restorer] in restorer.state }
        if let averaged { state.register("average") { averaged.state } }
        state.register(RestorationModel.beforeSection) { [before] in before }
        state.register("optimizer.generator") { [restorerOptimizer] in restorerOptimizer.state }
        if let critic, let criticOptimizer {
            state.register("discriminator") { critic.state }
            state.register("optimizer.discriminator") { criticOptimizer.state }
        }
        state.register("statistics", .sum) { [means] in means.state }
        state.register("phases") { [phases] in phases.state }
        state.register(stream: "inputs", inputStream)
        state.register(stream: "dropout", dropoutStream)
    }

    /// States whether the adversarial phase has started, so that the saved weights from before it differ.
    public var facts: [String: String] {
        phases.phase == .adversarial ? [RestorationModel.criticFact: "in"] : [:]
    }
}

extension Recipe {
    /// Creates a critic on a device.
    /// - Parameter attempt: number of earlier critics of the run.
    fileprivate func makeCritic(seed: UInt64, attempt: Int, on device: Device) -> any Discriminator {
        let random = RandomSource(seed: seed &+ 3 &+ UInt64(attempt) &* 0x9E37_79B9)
        let network = restoration.critic.make(resolution: resolution, random: random)
        network.move(to: device, format: .channelsLast)
        return network
    }
}
