import Checkpoints
import Datasets
import Models
import Objectives
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// Options of adversarial recipes: weight clipping, lazy penalties, perceptual losses, growth, labels.
@Suite struct AdversarialOptionsTests {
    private func trainer(_ recipe: Recipe, _ labels: Labels = Labels(count: 0)) throws -> AdversarialTrainer {
        try AdversarialTrainer(recipe: recipe, labels: labels, seed: 1, precision: .fp32)
    }

    private func steps(_ trainer: AdversarialTrainer, _ count: Int) throws {
        for _ in 0..<count { try trainer.step { grayBatch(trainer.recipe, count: $0) } }
    }

    /// Number of steps of an optimizer.
    private func stepCount(_ name: String, _ trainer: AdversarialTrainer) throws -> Double {
        let state = trainer.checkpoint().section("optimizer." + name)
        return try #require(state.first { $0.key.hasPrefix("step.") }).tensor.item()
    }

    @Test func weightsOfACriticAreClipped() throws {
        let one = try trainer(TinyRun.recipe("wgan"))
        try steps(one, 2)
        for (key, tensor) in one.discriminator.parameters {
            #expect(tensor.value.abs().max().item() <= Double(Float(0.01)), "\(key)")
        }
        #expect(one.generator.parameters.contains { $0.parameter.value.abs().max().item() > 0.011 })
    }

    /// A lazy penalty adds an optimizer step every fourth step.
    @Test func lazyPenaltiesHaveTheirOwnOptimizerSteps() throws {
        for (every, expected) in [(1, 8.0), (4, 10.0)] {
            let recipe = try TinyRun.recipe(
                "dcgan", ["zeroCenteredPenalty.r1Gamma=1", "zeroCenteredPenalty.every=\(every)"])
            let one = try trainer(recipe)
            try steps(one, 8)
            #expect(try stepCount("discriminator", one) == expected)
            #expect(try stepCount("generator", one) == 8)
        }
    }

    /// Each penalty changes the weights of the discriminator after one step.
    @Test func penaltiesChangeTheWeights() throws {
        let plain = try TinyRun.recipe("dcgan")
        let changes = [
            ["zeroCenteredPenalty.r1Gamma=10"], ["zeroCenteredPenalty.r2Gamma=10"],
            ["draganPenalty.weight=10"],
        ]
        let all = try ([[]] + changes).map { try TinyRun.recipe("dcgan", $0) }
        var weights: [[Float]] = []
        for recipe in all {
            let one = try trainer(recipe)
            try steps(one, 1)
            weights.append(one.discriminator.state.flatMap { $0.tensor.floats() })
        }
        #expect(Set(weights).count == all.count)
        #expect(plain.adversarial.zeroCenteredPenalty.isOn == false)
    }

    /// Spectral normalization performs one power iteration per training step, independent of the number of passes.
    @Test func powerIterationsAdvanceOncePerStep() throws {
        let recipe = try TinyRun.recipe("sagan", ["zeroCenteredPenalty.r1Gamma=1"])
        let (one, other) = (try trainer(recipe), try trainer(recipe))
        let images = Tensor.uniform([8, 3, 16, 16], -1, 1, random: RandomSource(seed: 1))
        _ = withoutGradients { other.discriminator(images) }
        try steps(one, 1)
        let (a, b) = (one.discriminator.buffers, other.discriminator.buffers)
        #expect(a.contains { $0.key.hasSuffix("weight_u") })
        for ((key, moved), (_, expected)) in zip(a, b) {
            #expect((moved.value - expected.value).abs().max().item() < 1e-6, "\(key)")
        }
    }

    /// Perceptual loss and feature matching are part of the generator's loss and not of the discriminator's.
    @Test func featureLossesApplyToTheGenerator() throws {
        func losses(_ weights: String...) throws -> StepStatistics.Means {
            let recipe = try TinyRun.recipe("detail", weights)
            let one = try trainer(recipe)
            try one.step { grayBatch(recipe, level: 250, count: $0) }
            return try one.takeStatistics()
        }
        let none = try losses("perceptual.weight=0", "featureMatching.weight=0")
        let perceptual = try losses("perceptual.weight=5", "featureMatching.weight=0")
        let matching = try losses("perceptual.weight=0", "featureMatching.weight=5")
        let early = try losses("perceptual.weight=5", "featureMatching.weight=0", "perceptual.minSide=8")
        #expect(early.generatorLoss == none.generatorLoss)
        for one in [perceptual, matching] {
            #expect(one.generatorLoss > none.generatorLoss + 0.01)
            #expect(one.discriminatorLoss == none.discriminatorLoss)
        }
    }

    @Test func unknownPerceptualLayerIsAnError() throws {
        let error = #expect(throws: TrainingError.self) {
            try trainer(TinyRun.recipe("detail", ["perceptual.layers=[0, 4]"]))
        }
        #expect("\(error!)".contains("perceptual.layers: face has the maps 0 to 3, but no map 4"))
    }

    // MARK: Growth

    @Test func growthFollowsTheClock() throws {
        var settings = GrowthSettings()
        (settings.stableKimg, settings.fadeKimg) = (3, 2)
        let expected: [(Int, Int, Double)] = [
            (0, 4, 1), (2999, 4, 1), (3000, 8, 0), (4000, 8, 0.5), (5000, 8, 1), (7999, 8, 1), (8000, 16, 0),
            (9500, 16, 0.75), (10_000, 16, 1), (1_000_000, 16, 1),
        ]
        for (images, side, alpha) in expected {
            let growth = settings.growth(images: images, resolution: 16)
            #expect(growth.side == side && abs(growth.alpha - alpha) < 1e-12, "\(images)")
        }
        #expect(settings.endKimg(resolution: 16) == 10)
        settings.batchSizes = [12, 6]
        #expect([4, 8, 16].map { settings.batchSize(side: $0, otherwise: 3) } == [12, 6, 6])
        settings.batchSizes = []
        #expect(settings.batchSize(side: 8, otherwise: 3) == 3)
    }

    @Test func optimizersAreResetWhenLayersChange() throws {
        let recipe = try TinyRun.recipe("progan")
        let one = try trainer(recipe)
        var resets: [Int] = []
        var before = recipe.adversarial.growth(images: 0, resolution: recipe.resolution)!
        let taken = 30
        for _ in 0..<taken {
            try steps(one, 1)
            let now = recipe.adversarial.growth(images: one.clock.images, resolution: recipe.resolution)!
            if !now.hasSameLayers(as: before) {
                resets.append(one.clock.steps)
                #expect(try stepCount("generator", one) == 0 && stepCount("discriminator", one) == 0)
            } else {
                #expect(try stepCount("generator", one) == Double(one.clock.steps - (resets.last ?? 0)))
            }
            before = now
        }
        #expect(resets.count == 4, "start and end of two fades")
        #expect(
            recipe.adversarial.growth(images: one.clock.images, resolution: recipe.resolution)!
                == Growth(side: 16))
        // The batch size is 8 at side 4 and 4 at larger sides.
        #expect(one.clock.images == 8 * resets[0] + 4 * (taken - resets[0]))
    }

    /// A model that was saved during a fade has the growth of its clock.
    @Test func modelHasTheGrowthOfItsClock() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("progan")
        try tiny.train("run", recipe, steps: 7)
        let model = try GeneratorModel(tiny.folder("run"))
        let growth = try #require(
            recipe.adversarial.growth(images: model.clock.images, resolution: recipe.resolution))
        #expect((model.generator as? any Growing)?.growth == growth && growth.side == 8 && growth.alpha < 1)
        let runner = GeneratorRunner(model.generator)
        #expect(runner.images(model.sampler.sample(seeds: [1])).shape == [1, 3, 16, 16])
    }

    // MARK: Labels

    @Test func missingAttributesAreAnError() throws {
        let recipe = try TinyRun.recipe("conditional")
        let without = #expect(throws: TrainingError.self) { try trainer(recipe) }
        #expect("\(without!)".contains("no attributes"))
        var labels = Labels(count: 1)
        labels.attributeNames = ["Smilling", "Eyeglasses"]
        labels.attributes = [1, 1]
        let other = #expect(throws: TrainingError.self) { try trainer(recipe, labels) }
        #expect("\(other!)".contains("no attribute `Smiling`. Did you mean `Smilling`?"))
    }

    /// Attributes and label rows are stored in the model and used for sampling.
    @Test func conditionalModelStoresItsLabels() throws {
        let tiny = try TinyRun()
        try tiny.train("run", TinyRun.recipe("conditional"), steps: 3)
        var model = try GeneratorModel(tiny.folder("run"))
        #expect(model.attributes == model.recipe.adversarial.conditions.attributes)
        let rows = try #require(model.sampler.labels)
        #expect(rows.count == 64)
        let column = try #require(tiny.store.labels.attributeNames.firstIndex(of: "Smiling"))
        let width = tiny.store.labels.attributeNames.count
        for row in 0..<64 {
            #expect(rows.values[row * 6] == tiny.store.labels.attributes[row * width + column])
        }
        let free = model.sampler.sample(seeds: [4])
        try model.request([("Smiling", true), ("Eyeglasses", false)])
        #expect(model.sampler.sample(seeds: [4]).labels.map { Array($0.floats()[0..<2]) } == [1, -1])
        #expect(free.z.shape == [1, 8] && free.labels?.shape == [1, 6])
        let error = #expect(throws: CheckpointError.self) { try model.request([("Smilin", true)]) }
        #expect("\(error!)".contains("Did you mean `Smiling`?"))
        // An exported model has the label rows too.
        try ModelExport.checkpoint(of: tiny.folder("run")).write(to: tiny.folder("model.safetensors"))
        #expect(try GeneratorModel(tiny.folder("model.safetensors")).sampler.labels == rows)
    }

    @Test func classificationIsPartOfBothLosses() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("conditional")
        func losses(_ overrides: [String]) throws -> StepStatistics.Means {
            let one = try trainer(TinyRun.recipe("conditional", overrides), tiny.store.labels)
            let batch = BatchLoader(store: tiny.store, batchSize: recipe.batchSize, seed: 0).next()
            try one.step { _ in batch }
            return try one.takeStatistics()
        }
        let (both, none) = (
            try losses([]), try losses(["attributeLoss.realWeight=1e-9", "attributeLoss.fakeWeight=0"])
        )
        #expect(both.discriminatorLoss > none.discriminatorLoss + 0.1)
        #expect(both.generatorLoss > none.generatorLoss + 0.1)
    }
}

/// Recipes whose attributes are classes.
@Suite struct ExclusiveLabelsTests {
    /// A step with the labels 1 and -1 equals a step with 1 and 0.
    @Test func absentClassesAreZero() throws {
        let recipe = try TinyRun.recipe(
            "conditional",
            [
                "conditions.attributes=[Smiling, Male]", "conditions.exclusive=true",
                "conditions.classifier=false",
                "attributeLoss.realWeight=0", "attributeLoss.fakeWeight=0",
            ])
        let labels = try TinyRun().store.labels
        func states(_ absent: Int8) throws -> [[Float]] {
            let trainer = try AdversarialTrainer(recipe: recipe, labels: labels, seed: 0, precision: .fp32)
            #expect(trainer.sampler.labels?.isExclusive == true)
            let names = labels.attributeNames
            let columns = try ["Smiling", "Male"].map { try #require(names.firstIndex(of: $0)) }
            let attributes = (0..<8).flatMap { row in
                names.indices.map { $0 == columns[row % 2] ? Int8(1) : absent }
            }
            try trainer.step { count in
                ImageBatch(
                    pixels: [UInt8](repeating: 90, count: count * 16 * 16 * 3), count: count, size: 16,
                    attributes: attributes)
            }
            return trainer.generator.state.map { $0.tensor.to(.float32).contiguous().floats() }
        }
        #expect(try states(-1) == states(0))
    }
}
