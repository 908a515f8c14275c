import Checkpoints
import Objectives
import Recipes
import Settings
import Testing
import Torch
import TorchNN
import Training

/// Adaptive discriminator steps, and instance noise.
@Suite struct BalanceTests {
    /// Accuracies of logits, counted by hand.
    @Test func accuracyCountsCorrectLogits() {
        let (real, fake) = (Tensor([3, 1, -1, 0], shape: [4]), Tensor([-2, -1, -3, 2], shape: [4]))
        // Real: 2 correct and one on the boundary; generated: 3 correct.
        for kind in [AdversarialLoss.Kind.nonSaturating, .saturating, .hinge] {
            #expect(AdversarialLoss(kind).accuracy(real: real, fake: fake).item() == (2.5 + 3) / 8)
        }
        // Above and below 0.5.
        #expect(
            AdversarialLoss(.leastSquares).accuracy(real: real, fake: fake).item() == Double(2 + 3) / 8)
        for kind in [AdversarialLoss.Kind.wasserstein, .relativistic] {
            // Means 0.75 and -1: the boundary is at -0.125.
            #expect(AdversarialLoss(kind).accuracy(real: real, fake: fake).item() == Double(3 + 3) / 8)
            // The accuracy of a critic does not depend on a constant.
            let shifted = AdversarialLoss(kind).accuracy(real: real + 100, fake: fake + 100)
            #expect(shifted.item() == Double(3 + 3) / 8)
            #expect(AdversarialLoss(kind).accuracy(real: fake, fake: real).item() == Double(1 + 1) / 8)
        }
    }

    private func recipe(_ overrides: [String]) throws -> Recipe {
        try TinyRun.recipe("dcgan", ["steps.kind=adaptive"] + overrides)
    }

    /// Number of batches of each training step.
    private func batchCounts(_ recipe: Recipe, steps: Int) throws -> [Int] {
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        return try (0..<steps).map { _ in
            var count = 0
            let before = trainer.clock.images
            try trainer.step { _ in
                count += 1
                return grayBatch(recipe)
            }
            // The clock counts all batches, also those without an optimizer step.
            #expect(trainer.clock.images - before == count * recipe.batchSize)
            return count
        }
    }

    @Test func stepsAreRepeatedBelowTheBand() throws {
        let below = try recipe([
            "steps.low=0.999", "steps.high=1", "steps.maxRepeats=3", "steps.memory=0.99",
        ])
        #expect(try batchCounts(below, steps: 4) == [4, 4, 4, 4])
        let within = try recipe(["steps.low=0", "steps.high=1", "steps.discriminator=2"])
        #expect(try batchCounts(within, steps: 4) == [2, 2, 2, 2])
    }

    /// Above the band the discriminator is measured on one batch and not trained, for at most `maxSkips` steps in a row.
    @Test func stepsAreSkippedAboveTheBand() throws {
        let above = try recipe(
            ["steps.low=0", "steps.high=0.0001", "steps.maxSkips=2", "steps.discriminator=2"])
        // The mean starts in the middle of the band, so the first step trains the discriminator.
        #expect(try batchCounts(above, steps: 8) == [2, 1, 1, 2, 1, 1, 2, 1])
        let trainer = try AdversarialTrainer(recipe: above, seed: 0, precision: .fp32)
        var isTrained: [Bool] = []
        for _ in 0..<6 {
            let before = trainer.discriminator.parameters.map { $0.parameter.value.floats() }
            let generator = trainer.generator.parameters.map { $0.parameter.value.floats() }
            try trainer.step { _ in grayBatch(above) }
            isTrained.append(trainer.discriminator.parameters.map { $0.parameter.value.floats() } != before)
            #expect(trainer.generator.parameters.map { $0.parameter.value.floats() } != generator)
        }
        #expect(isTrained == [true, false, false, true, false, false])
        #expect(
            try trainer.takeReport().scalars.first { $0.key == "trainedFraction" }?.value == Double(4) / 8)
    }

    /// Adaptive steps lower the accuracy of a discriminator with a high learning rate.
    @Test func adaptiveStepsLowerTheAccuracy() throws {
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
        #expect(adaptive < fixed - 0.03, "adaptive \(adaptive), fixed \(fixed)")
    }

    /// Skipped and repeated steps before the stop do not matter.
    @Test(arguments: [
        ["steps.kind=adaptive", "steps.low=0.7", "steps.high=0.75", "steps.memory=0.5"],
        ["steps.kind=adaptive", "steps.low=0.9", "steps.high=0.95", "steps.discriminator=2"],
        ["instanceNoise.deviation=0.3", "instanceNoise.endKimg=0.1"],
    ])
    func resumedRunEqualsUninterruptedRun(overrides: [String]) throws {
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

    @Test func noiseDecaysToZero() throws {
        var settings = InstanceNoiseSettings()
        (settings.deviation, settings.endKimg) = (0.2, 100)
        #expect(settings.schedule.value(atKimg: 0) == 0.2)
        #expect(abs(settings.schedule.value(atKimg: 75) - 0.05) < 1e-12)
        #expect(settings.schedule.value(atKimg: 100) == 0 && settings.schedule.value(atKimg: 200) == 0)
        // Only a run with noise has a noise stream.
        func names(_ overrides: [String]) throws -> [String] {
            try AdversarialTrainer(recipe: try TinyRun.recipe("dcgan", overrides), seed: 0, precision: .fp32)
                .checkpoint().section("random").map(\.key)
        }
        #expect(try names([]) == ["latents"])
        #expect(
            try names(["instanceNoise.deviation=0.1", "instanceNoise.endKimg=1"]) == ["latents", "noise"])
    }

    /// Noise changes both losses; negligible noise does not.
    @Test func noiseChangesLosses() throws {
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
