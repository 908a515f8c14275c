import Checkpoints
import Objectives
import Recipes
import Settings
import Testing
import Torch
import TorchNN
import Training

/// Steps that follow the discriminator's accuracy, and noise on what it sees.
@Suite struct BalanceTests {
    /// Logits against shares that were counted by hand.
    @Test func accuracyIsTheShareOfRightSigns() {
        let (real, fake) = (Tensor([3, 1, -1, 0], shape: [4]), Tensor([-2, -1, -3, 2], shape: [4]))
        // Real: 2 right and one on the border; generated: 3 right.
        for kind in [AdversarialLoss.Kind.nonSaturating, .saturating, .hinge] {
            #expect(AdversarialLoss(kind).accuracy(real: real, fake: fake).item() == (2.5 + 3) / 8)
        }
        // Above and below 0.5.
        #expect(
            AdversarialLoss(.leastSquares).accuracy(real: real, fake: fake).item() == Double(2 + 3) / 8)
        for kind in [AdversarialLoss.Kind.wasserstein, .relativistic] {
            // Means 0.75 and -1: the border is at -0.125.
            #expect(AdversarialLoss(kind).accuracy(real: real, fake: fake).item() == Double(3 + 3) / 8)
            // A critic has no zero of its own.
            let shifted = AdversarialLoss(kind).accuracy(real: real + 100, fake: fake + 100)
            #expect(shifted.item() == Double(3 + 3) / 8)
            #expect(AdversarialLoss(kind).accuracy(real: fake, fake: real).item() == Double(1 + 1) / 8)
        }
    }

    private func recipe(_ overrides: [String]) throws -> Recipe {
        try TinyRun.recipe("dcgan", ["steps.kind=adaptive"] + overrides)
    }

    /// Batches that each turn takes.
    private func draws(_ recipe: Recipe, turns: Int) throws -> [Int] {
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        return try (0..<turns).map { _ in
            var drawn = 0
            let before = trainer.clock.images
            try trainer.step { _ in
                drawn += 1
                return grayBatch(recipe)
            }
            // The clock counts what was drawn, learnt from or not.
            #expect(trainer.clock.images - before == drawn * recipe.batchSize)
            return drawn
        }
    }

    @Test func belowTheBandStepsAreRepeated() throws {
        let below = try recipe([
            "steps.low=0.999", "steps.high=1", "steps.maxRepeats=3", "steps.memory=0.99",
        ])
        #expect(try draws(below, turns: 4) == [4, 4, 4, 4])
        let within = try recipe(["steps.low=0", "steps.high=1", "steps.discriminator=2"])
        #expect(try draws(within, turns: 4) == [2, 2, 2, 2])
    }

    /// Above it the discriminator looks at one batch and keeps its weights, for so many turns in a row.
    @Test func aboveTheBandStepsAreSkipped() throws {
        let above = try recipe(
            ["steps.low=0", "steps.high=0.0001", "steps.maxSkips=2", "steps.discriminator=2"])
        // The mean begins in the middle of the band, so the first turn learns.
        #expect(try draws(above, turns: 8) == [2, 1, 1, 2, 1, 1, 2, 1])
        let trainer = try AdversarialTrainer(recipe: above, seed: 0, precision: .fp32)
        var learnt: [Bool] = []
        for _ in 0..<6 {
            let before = trainer.discriminator.parameters.map { $0.parameter.value.floats() }
            let generator = trainer.generator.parameters.map { $0.parameter.value.floats() }
            try trainer.step { _ in grayBatch(above) }
            learnt.append(trainer.discriminator.parameters.map { $0.parameter.value.floats() } != before)
            #expect(trainer.generator.parameters.map { $0.parameter.value.floats() } != generator)
        }
        #expect(learnt == [true, false, false, true, false, false])
        #expect(try trainer.takeReport().scalars.first { $0.key == "learnt" }?.value == Double(4) / 8)
    }

    /// The policy does what it is for: it brings a discriminator that is far ahead closer to its band.
    @Test func itHoldsTheBandBetter() throws {
        let tiny = try TinyRun()
        func accuracy(_ name: String, _ overrides: [String]) throws -> Double {
            let settings = overrides + ["discriminatorOptimizer.learningRate=0.002", "training.logSteps=20"]
            try tiny.train(name, TinyRun.recipe("dcgan", settings), steps: 120)
            let values = try tiny.records(name, with: "accuracy").compactMap { $0["accuracy"] as? Double }
                .suffix(4)
            return values.reduce(0, +) / Double(values.count)
        }
        let fixed = try accuracy("fixed", [])
        let adaptive = try accuracy(
            "adaptive", ["steps.kind=adaptive", "steps.high=0.85", "steps.maxSkips=10"])
        #expect(fixed > 0.9, "\(fixed)")
        #expect(adaptive < fixed - 0.03, "\(adaptive) against \(fixed)")
    }

    /// Exactly, whatever was skipped or repeated before the stop.
    @Test(arguments: [
        ["steps.kind=adaptive", "steps.low=0.7", "steps.high=0.75", "steps.memory=0.5"],
        ["steps.kind=adaptive", "steps.low=0.9", "steps.high=0.95", "steps.discriminator=2"],
        ["instanceNoise.deviation=0.3", "instanceNoise.endKimg=0.1"],
    ])
    func stoppedEqualsStraight(overrides: [String]) throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", overrides + ["data.crop=0.1"])
        try tiny.train("straight", recipe, steps: 20)
        for steps in [5, 10, 11, 20] { try tiny.train("stopped", recipe, steps: steps) }
        try tiny.expectEqual("straight", "stopped")
        if overrides[0].hasPrefix("steps") {
            let images = try Checkpoint(path: tiny.folder("straight/checkpoints/last.safetensors")).clock
                .images
            #expect(images != 20 * 8 * recipe.adversarial.steps.discriminator)
        }
    }

    @Test func noiseFallsToNothing() throws {
        var settings = InstanceNoiseSettings()
        (settings.deviation, settings.endKimg) = (0.2, 100)
        #expect(settings.schedule.value(atKimg: 0) == 0.2)
        #expect(abs(settings.schedule.value(atKimg: 75) - 0.05) < 1e-12)
        #expect(settings.schedule.value(atKimg: 100) == 0 && settings.schedule.value(atKimg: 200) == 0)
        // Only a run with noise has its stream, and a run without is what it was.
        func names(_ overrides: [String]) throws -> [String] {
            try AdversarialTrainer(recipe: try TinyRun.recipe("dcgan", overrides), seed: 0, precision: .fp32)
                .checkpoint().section("random").map(\.key)
        }
        #expect(try names([]) == ["latents"])
        #expect(
            try names(["instanceNoise.deviation=0.1", "instanceNoise.endKimg=1"]) == ["latents", "noise"])
    }

    /// The discriminator sees noise while there is some: another loss; the same from where it has ended.
    @Test func noiseIsSeen() throws {
        func losses(_ overrides: [String]) throws -> [Double] {
            let recipe = try TinyRun.recipe("dcgan", overrides)
            let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
            try trainer.step { _ in grayBatch(recipe) }
            let means = try trainer.takeStatistics()
            return [means.discriminatorLoss, means.generatorLoss]
        }
        let without = try losses([])
        let with = try losses(["instanceNoise.deviation=0.5", "instanceNoise.endKimg=1"])
        #expect(zip(without, with).allSatisfy { $0 != $1 })
        #expect(try losses(["instanceNoise.deviation=1e-12", "instanceNoise.endKimg=1"]) == without)
    }
}
