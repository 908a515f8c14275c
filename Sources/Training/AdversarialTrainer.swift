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
    public let kernels: Kernels
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
    /// Where the penalty's pictures lie between real and generated ones.
    private let shares: RandomSource
    private let schedule: LearningRateSchedule

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
            average = ExponentialAverage(copy, following: generator)
        } else {
            average = nil
        }
        if recipe.training.gradientCheckpointing {
            generator.recomputeParts()
            // A penalty differentiates the gradients, which a recomputed part does not offer.
            discriminator.recomputeParts(recipe.gradientPenalty.weight == 0)
        }
        generatorOptimizer = recipe.generatorOptimizer.make(for: generator)
        discriminatorOptimizer = recipe.discriminatorOptimizer.make(for: discriminator)
        schedule = recipe.schedule.schedule
        latents = RandomSource(seed: seed &+ 1)
        shares = RandomSource(seed: seed &+ 2)
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

        var fake: Tensor! = nil
        for turn in 1...recipe.steps.discriminator {
            // Only the last ones go on to the generator's step and need a tape.
            fake = turn < recipe.steps.discriminator ? withoutGradients { generate() } : generate()
            let batch = batches()
            let real = Tensor.pictures(batch.pixels, count: batch.count, side: batch.height, on: device)
            trainDiscriminator(real: real, fake: fake.detached())
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
        return computing { generator(z) }
    }

    private func judge(_ images: Tensor) -> Tensor {
        computing { discriminator(images) }.to(.float32)
    }

    private func computing(_ body: () -> Tensor) -> Tensor {
        withKernels(kernels) { withAutocast(precision.autocast, on: device, body) }
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
        let game: Game = (logits[0..<count], logits[count..<(2 * count)], lossOfReal(logits[0..<count]))
        let loss = game.loss + recipe.loss.fake(game.fake)
        return ((game.real, game.fake, loss), gradients(of: [loss], wrt: weights))
    }

    /// A batch for each kind of pictures, as batch statistics want it.
    private func playApart(_ real: Tensor, _ fake: Tensor, wrt weights: [Tensor]) -> (Game, [Tensor?]) {
        let realLogits = judge(real)
        let realLoss = lossOfReal(realLogits)
        var found = gradients(of: [realLoss], wrt: weights)
        let fakeLogits = judge(fake)
        let fakeLoss = recipe.loss.fake(fakeLogits)
        Self.add(&found, gradients(of: [fakeLoss], wrt: weights))
        return ((realLogits, fakeLogits, withoutGradients { realLoss + fakeLoss }), found)
    }

    private func lossOfReal(_ logits: Tensor) -> Tensor {
        let (loss, drift) = (recipe.loss.real(logits), recipe.gradientPenalty.drift)
        return drift > 0 ? loss + logits.square().mean() * drift : loss
    }

    /// Adds gradients to others; nil stands for zero.
    private static func add(_ found: inout [Tensor?], _ more: [Tensor?]) {
        let both = found.indices.filter { found[$0] != nil && more[$0] != nil }
        if !both.isEmpty {
            withoutGradients { foreachAdd_(both.map { found[$0]! }, both.map { more[$0]! }) }
        }
        for index in found.indices where found[index] == nil { found[index] = more[index] }
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

    // MARK: Saving

    /// Every tensor that a step changes, except for random numbers.
    private var sections: [(name: String, tensors: [(key: String, tensor: Tensor)])] {
        [("generator", generator.state)] + (average.map { [("average", $0.generator.state)] } ?? []) + [
            ("discriminator", discriminator.state),
            ("optimizer.generator", generatorOptimizer.state),
            ("optimizer.discriminator", discriminatorOptimizer.state),
            ("statistics", statistics.state),
        ]
    }

    /// The streams that a step draws from.
    private var streams: [(name: String, source: RandomSource)] {
        [("latents", latents)] + (recipe.gradientPenalty.weight > 0 ? [("shares", shares)] : [])
    }

    /// Everything that a step changes, except for the place in the data.
    public func checkpoint() -> Checkpoint {
        var checkpoint = Checkpoint(recipe: recipe, clock: clock)
        for (name, tensors) in sections { checkpoint.add(name, tensors) }
        checkpoint.add(
            "random",
            streams.map { name, source in
                let state = source.state
                return (name, Tensor(bytes: state, shape: [state.count], dtype: .uint8))
            })
        checkpoint.facts["precision"] = precision.rawValue
        return checkpoint
    }

    /// Goes on from a saved state.
    /// - Throws: `CheckpointError` with everything that does not fit, before anything has changed.
    public func restore(_ checkpoint: Checkpoint) throws {
        let pairs = sections.map { (name: $0.name, own: $0.tensors, given: checkpoint.section($0.name)) }
        let problems = pairs.compactMap { name, own, given -> String? in
            if given.isEmpty && !own.isEmpty {
                return "\(name): missing; the file is a model, or of another recipe"
            }
            let mismatch = StateMismatch(own: own, given: given)
            return mismatch.isEmpty ? nil : "\(name): \(mismatch)"
        }
        guard problems.isEmpty else { throw CheckpointError(problems.joined(separator: "\n  ")) }
        let given = Dictionary(
            checkpoint.section("random").map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        let states = try streams.map { name, source in
            guard let state = given[name]?.bytes() else {
                throw CheckpointError("random.\(name): missing; the file is a model, not a run's state")
            }
            do { try RandomSource(seed: 0).restore(state) } catch {
                throw CheckpointError("random.\(name): \(error)")
            }
            return (source, state)
        }
        withoutGradients {
            for (_, own, given) in pairs {
                let values = Dictionary(
                    given.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
                for (key, tensor) in own { tensor.copy_(values[key]!) }
            }
        }
        for (source, state) in states { try source.restore(state) }
        clock = checkpoint.clock
    }

    /// The first tensor of the state that holds a number that is not finite.
    public func firstNotFinite() -> String? {
        withoutGradients {
            for (name, tensors) in sections {
                for (key, tensor) in tensors
                where tensor.dtype.isFloatingPoint && tensor.isFinite().all().item() != 1 {
                    return "\(name).\(key)"
                }
            }
            return nil
        }
    }
}
