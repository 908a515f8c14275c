import Checkpoints
import Evaluation
import Foundation
import Recipes
import TestSupport
import Testing
import Torch
import Training

/// Saved states: which are kept, which are used, and damaged files.
@Suite struct StateTests {
    private func damage(_ tiny: TinyRun, _ path: String, at fraction: Double = 0.7) throws {
        var bytes = tiny.bytes(path)
        bytes[Int(Double(bytes.count) * fraction)] ^= 4
        try tiny.place.write(bytes, to: path)
    }

    @Test func statesAreKeptAtTheInterval() throws {
        let tiny = try TinyRun()
        try tiny.train(
            "run", TinyRun.recipe("dcgan", ["training.keepKimg=0.02", "training.scoreKimg=0"]), steps: 9)
        let names = ["images-0000000024", "images-0000000040", "images-0000000064", "last"]
        #expect(try tiny.states("run") == names.map { $0 + ".safetensors" })
        let kept = try Checkpoint(path: tiny.folder("run/checkpoints/images-0000000040.safetensors"))
        #expect(kept.clock == TrainingClock(steps: 5, images: 40))
        #expect(kept.facts["seed"] == "0" && kept.facts["dataProtocol"] == "faces16")
        #expect(kept.facts["precision"] == "fp32")
    }

    @Test func damagedStateIsSkipped() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.keepKimg=0.02"])
        try tiny.train("straight", recipe, steps: 12)
        try tiny.train("run", recipe, steps: 7)
        let last = "run/checkpoints/last.safetensors"
        try damage(tiny, last)
        let run = try tiny.open("run", recipe)
        #expect(run.resumedAt?.steps == 5)
        #expect(run.notes.count == 1)
        #expect(
            run.notes[0].contains("skipped a state") && run.notes[0].contains("last.safetensors"),
            "\(run.notes)")
        try run.run(until: .init(steps: 12), output: nil, isCancelled: { false })
        try tiny.expectEqual("straight", "run")
    }

    /// A damaged file is replaced even if no step is left.
    @Test func damagedStateIsReplaced() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.keepKimg=0.02"])
        try tiny.train("run", recipe, steps: 5)
        let last = "run/checkpoints/last.safetensors"
        let good = tiny.bytes(last)
        try damage(tiny, last)
        try tiny.train("run", recipe, steps: 5)
        #expect(tiny.bytes(last) == good)
    }

    @Test func onlyDamagedStatesAreAnError() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.keepKimg=0.02"])
        try tiny.train("run", recipe, steps: 5)
        for name in try tiny.states("run") { try damage(tiny, "run/checkpoints/" + name) }
        let error = #expect(throws: TrainingError.self) { try tiny.open("run", recipe) }
        let text = "\(try #require(error))"
        for part in [
            "none of the saved states can be used", "last.safetensors", "images-0000000040", "--restart",
        ] {
            #expect(text.contains(part), "\(part) is not in: \(text)")
        }
        // Truncated, empty, and other content.
        for bytes in [
            Array(tiny.bytes("run/checkpoints/last.safetensors").prefix(5000)), [], Array("hello".utf8),
        ] {
            for name in try tiny.states("run") { try tiny.place.write(bytes, to: "run/checkpoints/" + name) }
            #expect(throws: TrainingError.self) { try tiny.open("run", recipe) }
        }
    }

    /// A state that fits only in part leaves the trainer unchanged.
    @Test func stateIsRestoredCompletelyOrNotAtAll() throws {
        let recipe = try TinyRun.recipe()
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 1, precision: .fp32)
        let other = try AdversarialTrainer(recipe: recipe, seed: 2, precision: .fp32)
        for _ in 0..<2 { try other.step { _ in grayBatch(recipe) } }
        let good = other.checkpoint()
        func values(_ trainer: AdversarialTrainer) -> [[UInt8]] {
            trainer.checkpoint().tensors.map { $0.tensor.bytes() }
        }
        let before = values(trainer)

        var damaged: [(what: String, state: Checkpoint)] = []
        for prefix in ["optimizer.discriminator.", "discriminator.", "average.", "statistics.", "random."] {
            var state = good
            state.tensors.removeAll { $0.key.hasPrefix(prefix) }
            damaged.append((String(prefix.dropLast()), state))
        }
        var misshaped = good
        let index = try #require(
            misshaped.tensors.lastIndex { $0.key.hasPrefix("optimizer.discriminator.mean") })
        misshaped.tensors[index].tensor = Tensor.zeros([3])
        damaged.append(("of another shape", misshaped))
        var unexpected = good
        unexpected.add("discriminator", [("more", Tensor.zeros([1]))])
        damaged.append(("unexpected", unexpected))
        var random = good
        random.tensors.removeAll { $0.key == "random.latents" }
        random.add("random", [("latents", Tensor.zeros([7], dtype: .uint8))])
        damaged.append(("random.latents", random))
        for (what, state) in damaged {
            let error = #expect(throws: CheckpointError.self) { try trainer.restore(state) }
            #expect("\(try #require(error))".contains(what), "\(what): \(String(describing: error))")
            #expect(values(trainer) == before && trainer.clock.steps == 0)
        }
        try trainer.restore(good)
        #expect(values(trainer) == values(other) && trainer.clock == other.clock)
    }

    @Test func stateOfAnotherShapeIsAnError() throws {
        let tiny = try TinyRun()
        try tiny.train("small", TinyRun.recipe(), steps: 2)
        let large = try TinyRun.recipe("dcgan", ["generator.filters=8"])
        try tiny.train("large", large, steps: 2)
        try tiny.place.write(
            tiny.bytes("small/checkpoints/last.safetensors"), to: "large/checkpoints/last.safetensors")
        let error = #expect(throws: TrainingError.self) { try tiny.open("large", large) }
        #expect("\(try #require(error))".contains("of another shape"))
    }

    /// The best and the last state can be loaded as models.
    @Test func bestStateIsAModel() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.scoreKimg=0.03"])
        try tiny.train("run", recipe, steps: 10)
        let best = try GeneratorModel(tiny.folder("run"), state: .best)
        let last = try GeneratorModel(tiny.folder("run"))
        #expect(best.path.hasSuffix("best.safetensors") && last.path.hasSuffix("last.safetensors"))
        #expect(last.clock.steps == 10 && [4, 8].contains(best.clock.steps))
        try tiny.train("unscored", TinyRun.recipe(), steps: 2)
        let error = #expect(throws: CheckpointError.self) {
            try GeneratorModel(tiny.folder("unscored"), state: .best)
        }
        #expect("\(try #require(error))".contains("training.scoreKimg"))
        #expect(throws: CheckpointError.self) { try GeneratorModel(last.path, state: .best) }
    }

    /// The log has every score; `best` is the state of the lowest score and stores it.
    @Test func bestStateHasTheLowestScore() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe(
            "dcgan",
            ["training.scoreKimg=0.016", "generatorOptimizer.learningRate=0.1", "average.halfLifeKimg=0"])
        try tiny.train("run", recipe, steps: 24)
        let scores = try tiny.log("run").compactMap { line -> (step: Int, value: Double, isBest: Bool)? in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            guard let value = object["slicedWasserstein"] as? Double, let step = object["step"] as? Int,
                let error = object["slicedWassersteinError"] as? Double
            else { return nil }
            #expect(value > 0 && error > 0 && error < value)
            return (step, value, object["best"] as? Bool ?? false)
        }
        #expect(scores.map(\.step) == Array(stride(from: 2, through: 24, by: 2)))
        let lowest = try #require(scores.min { $0.value < $1.value })
        let best = try Checkpoint(path: tiny.folder("run/checkpoints/best.safetensors"))
        #expect(best.clock.steps == lowest.step)
        let last = try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors"))
        for state in [best, last] {
            #expect(state.facts["bestScore"] == "slicedWasserstein \(lowest.value) \(best.clock.images)")
        }
        #expect(scores.last { $0.isBest }?.step == lowest.step)
        // At least one score was not the best.
        #expect(scores.contains { !$0.isBest })
    }
}

/// Metrics of a run, and unavailable metrics.
@Suite struct ScoreTests {
    private func lines(_ tiny: TinyRun, _ metrics: String) throws -> [String] {
        let recipe = try TinyRun.recipe(
            "dcgan", ["training.scoreKimg=0.016", "training.scoreCount=32", "training.metrics=\(metrics)"])
        try tiny.train(metrics, recipe, steps: 4)
        return tiny.log(metrics).filter { $0.contains("\"best\"") }
    }

    @Test func firstMetricSelectsTheBestState() throws {
        let tiny = try TinyRun()
        let lines = try lines(tiny, "fd-face,swd")
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.contains("\"fd-face\"") && $0.contains("\"slicedWasserstein\"") })
        let state = try Checkpoint(path: tiny.folder("fd-face,swd/checkpoints/best.safetensors"))
        #expect(state.facts["bestScore"]?.hasPrefix("fd-face ") == true)
    }

    /// A metric whose weights are missing is an error that names the command that downloads them. No folder is created.
    @Test(.enabled(if: !FeatureExtractors.isHere("alexnet")))
    func missingWeightsRefuseTheRun() throws {
        let tiny = try TinyRun()
        let error = #expect(throws: TrainingError.self) { try lines(tiny, "fd-alexnet,swd") }
        #expect("\(error!)".contains("facegan weights"), "\(error!)")
        #expect("\(error!)".contains("training.metrics"), "\(error!)")
        #expect(!FileManager.default.fileExists(atPath: tiny.folder("fd-alexnet,swd")))
    }

    /// Metrics that need labels or a saved model cannot be computed during a training.
    @Test(arguments: ["accuracy", "ppl-face"])
    func metricsOfSavedModelsRefuseTheRun(metric: String) throws {
        let tiny = try TinyRun()
        let error = #expect(throws: TrainingError.self) { try lines(tiny, metric) }
        #expect("\(error!)".contains("facegan evaluate"), "\(error!)")
        #expect(!FileManager.default.fileExists(atPath: tiny.folder(metric)))
    }

    @Test func unknownMetricsAreAnErrorBeforeTheFirstStep() throws {
        let tiny = try TinyRun()
        #expect(throws: (any Error).self) { try lines(tiny, "fd-fase") }
        #expect(tiny.lineCount("fd-fase") == 0)
    }

    @Test func scoresCompareInTheirDirection() {
        let low = RunScore(name: "a", label: "a", value: 1, error: 0)
        let high = RunScore(name: "b", label: "b", value: 1, error: 0, isLowerBetter: false)
        #expect(low.isBetter(than: 2) && !low.isBetter(than: 0.5) && low.isBetter(than: nil))
        #expect(!high.isBetter(than: 2) && high.isBetter(than: 0.5))
    }
}
