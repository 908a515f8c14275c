import Checkpoints
import Datasets
import Evaluation
import Foundation
import Models
import Objectives
import Recipes
import Torch
import TorchNN

/// Teaches a restorer to give pictures back, phase by phase, the last one against a critic.
public final class RestorationTrainer: Trainer {
    public let recipe: Recipe
    private let settings: RestorationSettings
    public let device: Device
    /// Never `.auto`.
    public let precision: Precision
    public let kernels: Kernels
    public let restorer: any Restorer
    /// Nil for a recipe without an adversarial phase.
    public let critic: (any Discriminator)?
    /// The restorer's moving average; nil when the recipe has none.
    public let averaged: (any Restorer)?
    public var clock = TrainingClock()
    public var recoveries = RecoveryHistory()
    public let state = TrainingState()

    private let average: ExponentialAverage?
    private let perceptual: PerceptualNetwork?
    private let input: RestorerInput
    private let phases: PhaseClock
    private let restorerOptimizer: any Optimizer
    private let criticOptimizer: (any Optimizer)?
    /// What the inputs are made with.
    private let changes: RandomSource
    /// Which weights rest.
    private let rests: RandomSource
    private let seed: UInt64
    /// The averaged weights when the critic came in, as `restorer.state`.
    private let before: [(key: String, tensor: Tensor)]
    private let means: NamedMeans
    private var events: [TrainerEvent] = []

    /// Steps in which dropout's learning rate falls and rises again (DeepFaceLab's lr_dropout).
    private static let dropoutPeriod = 500.0

    /// Makes the networks with starting values from `seed`.
    /// - Throws: `CheckpointError` for a perceptual network that is not there.
    public init(
        recipe: Recipe, seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard
    ) throws {
        let settings = recipe.restoration
        self.settings = settings
        (self.recipe, self.device, self.kernels, self.seed) = (recipe, device, kernels, seed)
        self.precision = precision.resolved(for: device)
        perceptual =
            try settings.perceptual.loss.weight > 0 ? PerceptualNetwork(settings.perceptual, device) : nil
        let random = RandomSource(seed: seed)
        let restorer = settings.makeRestorer(resolution: recipe.resolution, random: random)
        restorer.move(to: device, format: .channelsLast)
        if recipe.training.gradientCheckpointing { restorer.setCheckpointed() }
        let isAdversarial = settings.phases.adversarialWeight > 0
        critic = isAdversarial ? recipe.makeCritic(seed: seed, fall: 0, on: device) : nil
        averaged =
            recipe.average.halfLifeKimg > 0
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
        changes = RandomSource(seed: seed &+ 1)
        rests = RandomSource(seed: seed &+ 2)
        means = NamedMeans(["pixels", "features", "opinion", "critic", "real", "fake"], on: device)
        registerState()
    }

    public var networks: [(name: String, network: Module)] {
        [("restorer", restorer)] + (critic.map { [("critic", $0)] } ?? [])
    }

    public var imagesPerStep: Int { recipe.batchSize }

    /// One step of the restorer and, in the last phase, one of the critic on the same pictures.
    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        let factor = learningRateFactor
        let turn = 2 * Double.pi * Double(clock.steps) / Self.dropoutPeriod
        restorerOptimizer.learningRate =
            settings.restorerOptimizer.learningRate * factor * (phases.drops ? (cos(turn) + 1) / 2 : 1)
        let batch = batches(recipe.batchSize)
        let target = Tensor.pictures(batch.pixels, count: batch.count, side: batch.height, on: device)
        let given = input(target, warps: phases.warps, random: changes)
        let pictures = computing { restorer(given) }.to(.float32)
        let pixels = trainRestorer(pictures, target)
        if phases.adversarialWeight > 0, let critic, let criticOptimizer {
            criticOptimizer.learningRate = settings.criticOptimizer.learningRate * factor
            train(critic, criticOptimizer, real: target, fake: pictures.detached())
        }
        clock.steps += 1
        clock.images += batch.count
        average?.update(decay: recipe.average.decay(batchSize: batch.count, images: clock.images))
        guard pixels.isFinite else { throw diverged("the loss of pixels") }
        try follow(phases.observe(pixels, images: clock.images))
    }

    private func diverged(_ what: String) -> TrainingError {
        .diverged(what: what, step: clock.steps, kept: "")
    }

    // MARK: Steps

    /// - Returns: the loss of pixels.
    private func trainRestorer(_ pictures: Tensor, _ target: Tensor) -> Double {
        let pixels = settings.reconstruction(pictures, target: target)
        var (loss, parts) = (pixels, ["pixels": pixels])
        if let perceptual, phases.comparesFeatures {
            let known = withoutGradients { perceptual.maps(target) }
            let term = settings.perceptual.loss(fake: perceptual.maps(pictures), real: known)
            (loss, parts["features"]) = (loss + term, term)
        }
        let weight = phases.adversarialWeight
        if weight > 0, let critic {
            let fake = critic.frozen { discriminate(critic, pictures) }.games
            let real =
                settings.loss.isRelativistic ? withoutGradients { discriminate(critic, target) }.games : fake
            let term = zip(fake, real).map { settings.loss.generator(fake: $0, real: $1) }.total
            (loss, parts["opinion"]) = (loss + term * weight, term)
        }
        let found = gradients(of: [loss], wrt: restorerOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            let weights = restorerOptimizer.parameters.map(\.parameter.value)
            let earlier = phases.drops ? weights.map { $0.cloned() } : []
            applyGradients(found, settings.restorerOptimizer, restorerOptimizer)
            for (value, old) in zip(weights, earlier) {
                let draws = Tensor.uniform(value.shape, random: rests).to(device)
                let moves = draws.less(than: settings.phases.dropoutRate)
                value.copy_(value.where(moves, else: old))
            }
            means.add(parts)
        }
        return pixels.item()
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

    private func follow(_ event: PhaseClock.Event) throws {
        switch event {
        case .nothing: break
        case .next(let isPlateau):
            let why = isPlateau ? "the loss of pixels no longer falls" : "its time is over"
            let isLast = phases.phase == .adversarial
            if isLast { withoutGradients { Self.copy(best, to: before) } }
            events.append(
                TrainerEvent(
                    "next phase: \(phases.phase.title), for \(why)", keptAs: isLast ? "before-critic" : nil))
        case .fell(let from, let to):
            let texts = (String(format: "%.4f", to), String(format: "%.4f", from))
            guard phases.falls <= settings.phases.maxAttempts else {
                throw TrainingError.refused(
                    "the critic made the pictures bad \(phases.falls) times: a loss of pixels of \(texts.0) against "
                        + "\(texts.1) before it. The weights of before it are in checkpoints/before-critic.safetensors; "
                        + "begin another run with a lower phases.adversarialWeight.")
            }
            withoutGradients {
                Self.copy(before, to: restorer.state)
                if let averaged { Self.copy(before, to: averaged.state) }
                let fresh = recipe.makeCritic(seed: seed, fall: phases.falls, on: device)
                if let critic { Self.copy(fresh.state, to: critic.state) }
            }
            restorerOptimizer.reset()
            criticOptimizer?.reset()
            events.append(
                TrainerEvent(
                    "the critic made the pictures bad (a loss of pixels of \(texts.0), \(texts.1) before it): back to the "
                        + "weights of before it, with a new critic of weight \(phases.adversarialWeight)"))
        }
    }

    /// The weights that make the better pictures.
    private var best: [(key: String, tensor: Tensor)] { (averaged ?? restorer).state }

    private static func copy(
        _ source: [(key: String, tensor: Tensor)], to target: [(key: String, tensor: Tensor)]
    ) {
        for ((_, from), (_, to)) in zip(source, target) { to.copy_(from) }
    }

    public func takeEvents() -> [TrainerEvent] {
        defer { events = [] }
        return events
    }

    // MARK: What is shown and kept

    public func takeReport() throws -> TrainerReport {
        if let name = means.firstNotFinite { throw diverged("the loss of \(name)") }
        let scalars = means.takeScalars([
            ("pixels", "loss/pixels", ("loss", "pixels")),
            ("features", "loss/features", ("loss", "features")),
            ("opinion", "loss/opinion", ("loss", "opinion")),
            ("critic", "loss/critic", ("loss", "critic")),
            ("real", "score/real", ("", "D(real)")),
            ("fake", "score/fake", ("", "D(fake)")),
        ])
        return TrainerReport(
            scalars: scalars + [Scalar("phase", "phase/number", Double(phases.phase.rawValue))])
    }

    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try RestoredFaces(by: averaged ?? restorer, recipe: recipe, store: store, subset: subset)
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
        state.register(stream: "inputs", changes)
        state.register(stream: "dropout", rests)
    }

    /// Whether the weights of before the critic are other than the newest ones.
    public var facts: [String: String] {
        phases.phase == .adversarial ? [RestorationModel.criticFact: "in"] : [:]
    }
}

extension Recipe {
    /// A critic on its device.
    /// - Parameter fall: which of the critics that one run may need.
    fileprivate func makeCritic(seed: UInt64, fall: Int, on device: Device) -> any Discriminator {
        let random = RandomSource(seed: seed &+ 3 &+ UInt64(fall) &* 0x9E37_79B9)
        let network = restoration.critic.make(resolution: resolution, random: random)
        network.move(to: device, format: .channelsLast)
        return network
    }
}
