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

/// What recipes add to the plain game: limits, lazy penalties, growth, labels.
@Suite struct PartsTests {
    private func trainer(_ recipe: Recipe, _ labels: Labels = Labels(count: 0)) throws -> AdversarialTrainer {
        try AdversarialTrainer(recipe: recipe, labels: labels, seed: 1, precision: .fp32)
    }

    private func steps(_ trainer: AdversarialTrainer, _ count: Int) throws {
        for _ in 0..<count { try trainer.step { grayBatch(trainer.recipe, count: $0) } }
    }

    /// Steps that an optimizer has taken, of one of its tensors.
    private func stepCount(_ name: String, _ trainer: AdversarialTrainer) throws -> Double {
        let state = trainer.checkpoint().section("optimizer." + name)
        return try #require(state.first { $0.key.hasPrefix("step.") }).tensor.item()
    }

    @Test func aCriticsWeightsStayInTheirBox() throws {
        let one = try trainer(TinyRun.recipe("wgan"))
        try steps(one, 2)
        for (key, tensor) in one.discriminator.parameters {
            #expect(tensor.value.abs().max().item() <= Double(Float(0.01)), "\(key)")
        }
        #expect(one.generator.parameters.contains { $0.parameter.value.abs().max().item() > 0.011 })
    }

    /// The first of every four steps has a second one of the optimizer, for the penalty.
    @Test func lazyPenaltiesTakeStepsOfTheirOwn() throws {
        for (every, expected) in [(1, 8.0), (4, 10.0)] {
            let recipe = try TinyRun.recipe(
                "dcgan", ["zeroCenteredPenalty.r1Gamma=1", "zeroCenteredPenalty.every=\(every)"])
            let one = try trainer(recipe)
            try steps(one, 8)
            #expect(try stepCount("discriminator", one) == expected)
            #expect(try stepCount("generator", one) == 8)
        }
    }

    /// Real pictures of one color, and a penalty at them alone: only it can tell the two discriminators apart.
    @Test func aPenaltyMovesTheWeights() throws {
        let plain = try TinyRun.recipe("dcgan")
        let changes = [
            ["zeroCenteredPenalty.r1Gamma=10"], ["zeroCenteredPenalty.r2Gamma=10"],
            ["draganPenalty.weight=10"],
        ]
        let all = try ([[]] + changes).map { try TinyRun.recipe("dcgan", $0) }
        var seen: [[Float]] = []
        for recipe in all {
            let one = try trainer(recipe)
            try steps(one, 1)
            seen.append(one.discriminator.state.flatMap { $0.tensor.floats() })
        }
        #expect(Set(seen).count == all.count)
        #expect(plain.adversarial.zeroCenteredPenalty.isOn == false)
    }

    /// However often a discriminator with spectral norms is asked in a step, its power iterations move once.
    @Test func powerIterationsMoveOnceAStep() throws {
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

    /// Both terms are part of what the generator minimizes, and of nothing that the discriminator does.
    @Test func mapsOfRealPicturesPullTheGenerator() throws {
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

    @Test func aLayerThatIsNotThereIsRefused() throws {
        let error = #expect(throws: TrainingError.self) {
            try trainer(TinyRun.recipe("detail", ["perceptual.layers=[0, 4]"]))
        }
        #expect("\(error!)".contains("face has 4 maps, 0 to 3, and no 4"))
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

    @Test func optimizersForgetWhenLayersChange() throws {
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
        #expect(resets.count == 4, "two fades begin and end")
        #expect(
            recipe.adversarial.growth(images: one.clock.images, resolution: recipe.resolution)!
                == Growth(side: 16))
        // Batches of 8 at a side of 4, of 4 from then on.
        #expect(one.clock.images == 8 * resets[0] + 4 * (taken - resets[0]))
    }

    /// A saved state is used as it stood.
    @Test func aModelStandsWhereItsClockDoes() throws {
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

    @Test func namesThatPicturesLackAreRefused() throws {
        let recipe = try TinyRun.recipe("conditional")
        let without = #expect(throws: TrainingError.self) { try trainer(recipe) }
        #expect("\(without!)".contains("no attributes"))
        var labels = Labels(count: 1)
        labels.attributeNames = ["Smilling", "Eyeglasses"]
        labels.attributes = [1, 1]
        let other = #expect(throws: TrainingError.self) { try trainer(recipe, labels) }
        #expect("\(other!)".contains("no attribute `Smiling`. Did you mean `Smilling`?"))
    }

    /// What is asked for reaches the file, and a face of it.
    @Test func aConditionalModelKnowsItsLabels() throws {
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
        // The rows travel with a model alone.
        try ModelExport.checkpoint(of: tiny.folder("run")).write(to: tiny.folder("model.safetensors"))
        #expect(try GeneratorModel(tiny.folder("model.safetensors")).sampler.labels == rows)
    }

    @Test func namingLabelsIsPartOfBothLosses() throws {
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
