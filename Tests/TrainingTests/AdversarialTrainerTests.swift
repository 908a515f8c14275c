import Checkpoints
import Datasets
import Foundation
import Models
import Objectives
import Recipes
import Settings
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// Training steps of the adversarial trainer, its average, clock and statistics.
@Suite struct AdversarialTrainerTests {
    @Test func averageEqualsTheClosedFormula() throws {
        let recipe = try TinyRun.recipe()
        func make(_ seed: UInt64) -> any Generator {
            recipe.adversarial.generator.make(resolution: 16, random: RandomSource(seed: seed))
        }
        let source = make(1)
        let averaged = make(2)
        let average = ExponentialAverage(averaged, following: source)
        #expect(!averaged.isTraining)
        let start = averaged.state.map { $0.tensor.floats() }
        #expect(start == source.state.map { $0.tensor.floats() })
        try source.load(make(3).state)
        let goal = source.state.map { $0.tensor.floats() }
        let (decay, updates) = (0.9, 7)
        for _ in 0..<updates { average.update(decay: decay) }
        let remaining = Float(pow(decay, Double(updates)))
        for (index, (_, tensor)) in averaged.state.enumerated() where tensor.dtype.isFloatingPoint {
            for (value, (from, to)) in zip(tensor.floats(), zip(start[index], goal[index])) {
                #expect(abs(value - (to + (from - to) * remaining)) < 1e-6)
            }
        }
        #expect(start != goal)
    }

    @Test func countersAreCopied() throws {
        let recipe = try TinyRun.recipe("dcgan", ["average.halfLifeKimg=100", "average.rampUp=0"])
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        for _ in 0..<3 { try trainer.step { _ in grayBatch(recipe) } }
        let counters = try #require(trainer.averaged).state.filter {
            $0.key.hasSuffix("num_batches_tracked")
        }
        #expect(!counters.isEmpty && counters.allSatisfy { $0.tensor.item() == 3 })
    }

    @Test func averageHalvesOverTheHalfLife() throws {
        var settings = AverageSettings()
        (settings.halfLifeKimg, settings.rampUp) = (10, 0)
        let remaining = pow(settings.decay(batchSize: 50, images: 1), 200)
        #expect(abs(remaining - 0.5) < 1e-12)
        settings.rampUp = 0.05
        // Ramp-up: the half-life is 5 % of 20,000 images, which is 1,000.
        #expect(abs(pow(settings.decay(batchSize: 50, images: 20_000), 20) - 0.5) < 1e-12)
        #expect(settings.decay(batchSize: 50, images: 0) == 0)
    }

    @Test func precisionIsResolved() {
        #expect(Precision.fp32.resolved(for: .cpu) == .fp32)
        #expect(Precision.bf16.resolved(for: .cpu) == .bf16)
        #expect(Precision.auto.resolved(for: .cpu) == (CPUFeatures.current.hasFastBFloat16 ? .bf16 : .fp32))
        #expect(Precision.auto.resolved(for: .cuda(0)) == .bf16)
        #expect(Precision.fp32.resolved(for: .cuda(0)) == .fp32)
    }

    @Test func clockCountsImagesOfTheDiscriminator() throws {
        let recipe = try TinyRun.recipe("dcgan", ["steps.discriminator=3", "steps.generator=2"])
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        var batches = 0
        for _ in 0..<2 {
            try trainer.step { _ in
                batches += 1
                return grayBatch(recipe)
            }
        }
        #expect(batches == 6)
        #expect(trainer.clock == TrainingClock(steps: 2, images: 48))
        #expect(trainer.imagesPerStep == 24)
    }

    @Test func statisticsAreMeansSinceTheLastReport() throws {
        let recipe = try TinyRun.recipe()
        let one = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        let two = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        var sum = (0.0, 0.0)
        for _ in 0..<3 {
            try one.step { _ in grayBatch(recipe) }
            let means = try one.takeStatistics()
            sum = (sum.0 + means.discriminatorLoss, sum.1 + means.fakeScore)
            try two.step { _ in grayBatch(recipe) }
        }
        let means = try two.takeStatistics()
        #expect(abs(means.discriminatorLoss - sum.0 / 3) < 1e-6 && abs(means.fakeScore - sum.1 / 3) < 1e-6)
        #expect((0...1).contains(means.realScore))
    }

    /// Runs in its own process, because the count includes all tensors of a process.
    @Test func stepsLeakNoTensors() async {
        await #expect(processExitsWith: .success) {
            for overrides in [
                [], ["steps.generator=2", "steps.discriminator=2", "generatorOptimizer.clipNorm=1"],
            ] {
                for precision in [Precision.fp32, .bf16] {
                    let recipe = try TinyRun.recipe("dcgan", overrides)
                    let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: precision)
                    for _ in 0..<2 { try trainer.step { _ in grayBatch(recipe) } }
                    let before = Engine.liveTensorCount
                    for step in 0..<20 {
                        try trainer.step { _ in grayBatch(recipe) }
                        if step % 5 == 0 { _ = try trainer.takeStatistics() }
                        _ = trainer.checkpoint()
                        #expect(Engine.liveTensorCount == before)
                    }
                }
            }
        }
    }
}

/// Gradient checkpointing saves memory without changing any bit of the result.
@Suite struct GradientCheckpointingTests {
    @Test(arguments: ["dcgan", "dcgan-dense", "wgan-gp"], [Precision.fp32, .bf16])
    func checkpointedStepsAreBitIdentical(recipe: String, precision: Precision) throws {
        let tiny = try TinyRun()
        // The fast kernels need this width.
        let wide = ["generator", "discriminator"].flatMap { ["\($0).filters=64", "\($0).maxFilters=64"] }
        func state(_ name: String, _ overrides: [String]) throws -> [String: [UInt8]] {
            let recipe = try TinyRun.recipe(recipe, wide + overrides)
            let run = try tiny.train(name, recipe, steps: 3, precision: precision)
            return Dictionary(
                uniqueKeysWithValues: run.trainer.checkpoint().tensors.map { ($0.key, $0.tensor.bytes()) })
        }
        let plain = try state("plain", [])
        let checkpointed = try state("checkpointed", ["training.gradientCheckpointing=true"])
        #expect(plain.count == checkpointed.count)
        for (key, bytes) in plain { #expect(checkpointed[key] == bytes, "\(key)") }
    }
}

/// Every adversarial loss in a training step.
@Suite struct AdversarialLossStepTests {
    @Test(arguments: AdversarialLoss.Kind.allCases, ["dcgan", "wgan-gp"])
    func everyLossTrainsBothNetworks(kind: AdversarialLoss.Kind, recipe name: String) throws {
        var recipe = try TinyRun.recipe(name)
        recipe.adversarial.loss = AdversarialLoss(kind)
        recipe.adversarial.steps.discriminator = 1
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        let before = trainer.generator.state.map { $0.tensor.floats() }
        for _ in 0..<3 { try trainer.step { _ in grayBatch(recipe) } }
        let means = try trainer.takeStatistics()
        #expect(means.discriminatorLoss.isFinite && means.generatorLoss.isFinite)
        #expect(trainer.generator.state.map { $0.tensor.floats() } != before)
        #expect(trainer.state.firstNotFinite() == nil)
    }

    /// The relativistic loss depends on the difference of the logits of a pair.
    @Test func relativisticLossComparesPairs() throws {
        var recipe = try TinyRun.recipe("wgan-gp", ["gradientPenalty.weight=0"])
        recipe.adversarial.loss = AdversarialLoss(.relativistic)
        recipe.adversarial.steps.discriminator = 1
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        let random = RandomSource(seed: 5)
        let shape = [recipe.batchSize, 3, 16, 16]
        let (real, fake) = (
            Tensor.uniform(shape, -1, 1, random: random), Tensor.uniform(shape, -1, 1, random: random)
        )
        let logits = withoutGradients {
            (trainer.discriminator(real).floats(), trainer.discriminator(fake).floats())
        }
        trainer.trainDiscriminator(real: real, fake: fake)
        let loss = try trainer.takeStatistics().discriminatorLoss
        let terms = zip(logits.0, logits.1).map { log(1 + exp(Double($1 - $0))) }
        #expect(abs(loss - terms.reduce(0, +) / Double(terms.count)) < 1e-5)
    }
}

/// Regularizers of the generator, which register their state.
@Suite struct GeneratorRegularizerTests {
    static let overrides = ["pathLength.weight=2", "pathLength.every=2", "generator.filters=4"]

    /// The moving mean, the step counter and the noise stream are saved.
    @Test func resumedRunEqualsUninterruptedRun() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.overrides)
        try tiny.train("straight", recipe, steps: 11, precision: .fp32)
        for steps in [1, 4, 5, 11] { try tiny.train("stopped", recipe, steps: steps, precision: .fp32) }
        try tiny.expectEqual("straight", "stopped")
        let state = try Checkpoint(path: tiny.folder("straight/checkpoints/last.safetensors"))
        let mean = try #require(state.section("regularizers.path length").first)
        #expect(mean.key == "mean" && mean.tensor.item() > 0)
        let steps = try #require(state.section("regularizers.generator").first)
        #expect(steps.tensor.item() == 11)
    }

    /// A custom regularizer with interval 3 runs every third step, with a corrected learning rate.
    @Test func customRegularizerNeedsNoChangeOfTheTrainer() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["generator.filters=4"])
        final class Calls { var counts: [Int] = [] }
        let calls = Calls()
        let custom = Regularizer<GeneratorContext>("custom", interval: 3) { context in
            calls.counts.append(context.count)
            return context.generate(2).images.square().mean()
        }
        let trainer = try AdversarialTrainer(
            recipe: recipe, seed: 1, precision: .fp32, generatorRegularizers: [custom])
        let loader = BatchLoader(store: tiny.store, batchSize: recipe.batchSize, seed: 0)
        for _ in 0..<7 { try trainer.step { _ in loader.next() } }
        #expect(calls.counts == [8, 8, 8])
        #expect(abs(Regularizer.correction([custom]) - 0.75) < 1e-12)
    }
}
