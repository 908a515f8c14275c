import Checkpoints
import Datasets
import Foundation
import Imaging
import Models
import Recipes
import Settings
import Testing
import Torch
import TorchNN
import Training

/// Trainers of restorers and converters, on synthetic faces of 32 x 32 pixels.
@Suite struct FaceToFaceTrainerTests {
    private static let small = [
        "resolution=32", "batchSize=4", "training.logSteps=3", "training.previewCount=6",
        "training.saveMinutes=10000", "training.scoreKimg=0.02", "training.scoreCount=16",
        "average.halfLifeKimg=0.05",
    ]

    static func recipe(_ name: String, _ overrides: [String] = []) throws -> Recipe {
        let sizes =
            switch name {
            case "dfl":
                [
                    "restorer.encoderFilters=2", "restorer.bottleneck=4", "restorer.decoderFilters=2",
                    "restorer.halfSide=false", "critic.filters=2",
                    // Each phase has about five steps, so that every phase contains a stop.
                    "phases.warp.minKimg=0", "phases.warp.maxKimg=0.016", "phases.dropout.minKimg=0",
                    "phases.dropout.maxKimg=0.016", "phases.plain.minKimg=0",
                    "phases.plain.maxKimg=0.016",
                    "phases.patienceKimg=0.02",
                ]
            case "superres":
                [
                    "restorer.filters=4", "restorer.blocks=1", "critic.filters=2", "perceptual.weight=0",
                    "phases.plain.minKimg=0", "phases.plain.maxKimg=0.016", "phases.patienceKimg=0.02",
                ]
            default:
                [
                    "converter.filters=4", "converter.maxFilters=8", "converter.levels=3",
                    "converter.criticFilters=4", "converter.criticWidth=8", "steps.discriminator=2",
                    "conditions.attributes=[Smiling, Male]",
                ]
            }
        return try Recipe.load(name, overrides: small + sizes + overrides)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let recipe: String
        var overrides: [String] = []
        var precision = Precision.fp32
        var critic: CriticSettings.Kind?
        var testDescription: String {
            "\(recipe) \(precision) \(critic?.rawValue ?? "") \(overrides.joined(separator: " "))"
        }

        static let all = [
            Case(recipe: "dfl"), Case(recipe: "dfl", precision: .bf16),
            Case(recipe: "dfl", overrides: ["restorer.skips=true"], critic: .dense),
            Case(recipe: "superres"),
            Case(
                recipe: "superres",
                overrides: ["input.degradation=realistic", "restorer.kind=rrdb", "critic.kind=unet"]),
            Case(recipe: "superres", overrides: ["loss.kind=relativistic", "input.scale=2"]),
            Case(recipe: "convert"),
            Case(
                recipe: "convert",
                overrides: [
                    "converter.selective=false", "converter.flipFraction=0.5", "augment.kind=diffaugment",
                    "conditions.projection=false",
                ]),
        ]
    }

    /// Stops are not at log lines or phase changes; some are before and some after the start of the adversarial phase.
    @Test(arguments: Case.all)
    func resumedRunEqualsUninterruptedRun(_ one: Case) throws {
        let tiny = try TinyRun(side: 32)
        var recipe = try Self.recipe(one.recipe, one.overrides)
        if let critic = one.critic {
            recipe.restoration.critic.kind = critic
            // Decoding removes the settings of other kinds.
            recipe = try SettingsDocument.decode(yaml: recipe.yaml, path: "recipe")
        }
        try tiny.train("straight", recipe, steps: 20, precision: one.precision)
        for steps in [2, 7, 17, 20] {
            try tiny.train("stopped", recipe, steps: steps, precision: one.precision)
        }
        try tiny.expectEqual("straight", "stopped")
        #expect(try tiny.states("straight").contains("best.safetensors"))
        if recipe.system.kind == .restoration {
            #expect(try tiny.states("straight").contains("before-critic.safetensors"))
        }
    }

    @Test func phasesChangeInOrder() throws {
        let tiny = try TinyRun(side: 32)
        try tiny.train("run", try Self.recipe("dfl"), steps: 20)
        let events = try tiny.records("run", with: "event").compactMap { $0["event"] as? String }
        #expect(events.count == 3, "\(events)")
        for (event, title) in zip(
            events, ["learning-rate dropout", "unwarped inputs", "adversarial"])
        {
            #expect(event.contains(title) && event.contains("the maximum length of the phase is reached"))
        }
    }

    @Test func plateauEndsAPhase() throws {
        let tiny = try TinyRun(side: 32)
        let recipe = try Self.recipe(
            "dfl",
            [
                "phases.warp.maxKimg=1000", "phases.dropout.maxKimg=0", "phases.plain.maxKimg=0",
                "restorerOptimizer.learningRate=0",
            ])
        try tiny.train("run", recipe, steps: 30)
        let events = try tiny.records("run", with: "event").compactMap { $0["event"] as? String }
        #expect(events.count == 1 && events[0].contains("no longer falls"), "\(events)")
    }

    /// A collapse restores the weights from before the adversarial phase; the run ends after the maximum number of attempts.
    @Test func collapseRestoresTheWeightsFromBeforeTheCritic() throws {
        let tiny = try TinyRun(side: 32)
        let recipe = try Self.recipe(
            "dfl",
            [
                "phases.adversarialWeight=100000", "phases.collapseFactor=1.01",
                "restorerOptimizer.learningRate=0.02",
                "phases.patienceKimg=0.016", "phases.maxAttempts=2",
            ])
        let run = try tiny.open("run", recipe)
        let error = #expect(throws: TrainingError.self) {
            try run.run(until: .init(steps: 400), output: nil, isCancelled: { false })
        }
        #expect("\(try #require(error))".contains("before-critic.safetensors"), "\(error!)")
        let events = try tiny.records("run", with: "event").compactMap { $0["event"] as? String }
        let collapses = events.filter { $0.contains("collapsed in the adversarial phase") }
        #expect(collapses.count == 2, "\(events)")
        #expect(collapses.last?.contains("weight 25000") == true, "\(events)")
        #expect(try tiny.states("run").contains("before-critic.safetensors"))
    }

    @Test(arguments: [true, false]) func perceptualLossCanStartWithTheCritic(pixelsFirst: Bool) throws {
        let tiny = try TinyRun(side: 32)
        let recipe = try Self.recipe(
            "superres", ["perceptual.weight=0.1", "phases.pixelsFirst=\(pixelsFirst)"])
        try tiny.train("run", recipe, steps: 20)
        func steps(_ key: String) throws -> [Int] {
            try tiny.records("run", with: key).compactMap { $0["step"] as? Int }
        }
        let (all, later) = (try steps("pixels"), try steps("adversarial"))
        #expect(!later.isEmpty && later.count < all.count)
        #expect(try steps("features") == (pixelsFirst ? later : all))
    }

    // MARK: Use

    @Test func strengthInterpolatesTheWeights() throws {
        let tiny = try TinyRun(side: 32)
        try tiny.train(
            "run", try Self.recipe("superres", ["restorerOptimizer.learningRate=0.01"]), steps: 20)
        func weights(_ strength: Double) throws -> Tensor {
            let model = try RestorationModel(tiny.folder("run"), strength: strength)
            return Tensor.concatenated(model.restorer.state.map { $0.tensor.flattened() })
        }
        let (before, half, newest) = (try weights(0), try weights(0.5), try weights(1))
        #expect((before - newest).abs().max().item() > 1e-4)
        #expect((half - (before + newest) * 0.5).abs().max().item() < 1e-6)
        // Before the adversarial phase there is one set of weights.
        try tiny.train("young", try Self.recipe("superres"), steps: 2)
        let error = #expect(throws: CheckpointError.self) {
            try RestorationModel(tiny.folder("young"), strength: 0.5)
        }
        #expect("\(try #require(error))".contains("--strength"))
    }

    /// The statistics of the codes make an autoencoder a generator.
    @Test func autoencoderGeneratesFaces() throws {
        let tiny = try TinyRun(side: 32)
        try tiny.train("run", try Self.recipe("dfl"), steps: 10)
        let model = try GeneratorModel(tiny.folder("run"))
        let faces = withoutGradients {
            model.generator(model.sampler.sample(3, random: RandomSource(seed: 1)))
        }
        #expect(faces.shape == [3, 3, 32, 32])
        try tiny.train("skips", try Self.recipe("dfl", ["restorer.skips=true"]), steps: 2)
        let error = #expect(throws: CheckpointError.self) { try GeneratorModel(tiny.folder("skips")) }
        #expect("\(try #require(error))".contains("facegan reconstruct"))
    }

    /// The pixel loss on four faces decreases in both families.
    @Test(arguments: ["dfl", "superres"])
    func pixelLossDecreases(name: String) throws {
        let tiny = try TinyRun(side: 32)
        let recipe = try Self.recipe(
            name,
            [
                "phases.plain.maxKimg=100", "restorerOptimizer.learningRate=0.005",
                "average.halfLifeKimg=0",
            ]
                + (name == "dfl"
                    ? ["phases.warp.maxKimg=0", "phases.dropout.maxKimg=0"]
                    : ["restorer.filters=16", "restorer.blocks=2", "input.scale=2"]))
        let trainer = try tiny.open("run", recipe).trainer
        let batch = ImageBatch(
            pixels: (0..<4).flatMap { tiny.store.picture($0).pixels }, count: 4, size: 32)
        try trainer.step { _ in batch }
        let early = try #require(try trainer.takeReport().scalars.first { $0.key == "pixels" }).value
        for _ in 0..<120 { try trainer.step { _ in batch } }
        _ = try trainer.takeReport()
        try trainer.step { _ in batch }
        let late = try #require(try trainer.takeReport().scalars.first { $0.key == "pixels" }).value
        #expect(late < 0.6 * early, "\(early) \(late)")
    }

    @Test func unknownAttributesAreNamed() throws {
        let tiny = try TinyRun(side: 32)
        let recipe = try Self.recipe("convert", ["conditions.attributes=[Smilling]"])
        let error = #expect(throws: TrainingError.self) { try tiny.open("run", recipe) }
        #expect("\(try #require(error))".contains("Smiling"))
    }
}
