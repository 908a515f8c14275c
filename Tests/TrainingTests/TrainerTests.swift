import Foundation
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// The step and its parts.
@Suite struct TrainerTests {
    @Test func averageFollowsTheClosedFormula() throws {
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
        let share = Float(pow(decay, Double(updates)))
        for (index, (_, tensor)) in averaged.state.enumerated() where tensor.dtype.isFloatingPoint {
            for (value, (from, to)) in zip(tensor.floats(), zip(start[index], goal[index])) {
                #expect(abs(value - (to + (from - to) * share)) < 1e-6)
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

    @Test func halfLifeIsHalfALife() throws {
        var settings = AverageSettings()
        (settings.halfLifeKimg, settings.rampUp) = (10, 0)
        let kept = pow(settings.decay(batchSize: 50, images: 1), 200)
        #expect(abs(kept - 0.5) < 1e-12)
        settings.rampUp = 0.05
        // Young: 5 % of 20,000 images are 1,000.
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

    @Test func theClockCountsWhatTheDiscriminatorSees() throws {
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

    @Test func statisticsAreMeansSinceTheLastLine() throws {
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

    /// In a process of its own, for the count is of the whole process.
    @Test func stepsLeaveNoTensorsBehind() async {
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
