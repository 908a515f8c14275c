import Checkpoints
import Foundation
import Recipes
import Testing
import Torch
import Training

/// Runs that begin with the weights of another one.
@Suite struct StartTests {
    private func open(_ tiny: TinyRun, _ name: String, _ recipe: Recipe, from start: String) throws
        -> TrainingRun
    {
        try tiny.open(name, recipe, seed: 4, start: start)
    }

    private func expectSame(
        _ own: [(key: String, tensor: Tensor)], _ other: [(key: String, tensor: Tensor)],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(!own.isEmpty && own.map(\.key) == other.map(\.key), sourceLocation: sourceLocation)
        for ((key, a), (_, b)) in zip(own, other) {
            #expect((a - b).abs().max().item() == 0, "\(key)", sourceLocation: sourceLocation)
        }
    }

    @Test func networksComeAndNothingElse() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("first", recipe, steps: 5)
        let other = try Checkpoint(path: tiny.folder("first/checkpoints/last.safetensors"))
        let changed = try TinyRun.recipe("dcgan", ["generatorOptimizer.learningRate=1e-3", "batchSize=4"])
        let run = try open(tiny, "second", changed, from: tiny.folder("first"))
        #expect(run.resumedAt == nil && run.trainer.clock.images == 0)
        #expect(
            run.notes.count == 1 && run.notes[0].contains("it starts from the weights of"), "\(run.notes)")
        let sections = Dictionary(uniqueKeysWithValues: run.trainer.state.sections)
        for name in ["generator", "average", "discriminator"] {
            expectSame(try #require(sections[name]), other.section(name))
        }
        #expect(
            try #require(sections["optimizer.generator"]).allSatisfy { $0.tensor.abs().max().item() == 0 })
    }

    /// Killed before or after its first state, it goes on as if nothing had happened, and asks for no `start` again.
    @Test func itGoesOnExactly() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("first", recipe, steps: 3)
        let first = tiny.folder("first")
        try open(tiny, "straight", recipe, from: first).run(
            until: .init(steps: 6), output: nil, isCancelled: { false })
        for steps in [1, 4] {
            let name = "stopped\(steps)"
            _ = try open(tiny, name, recipe, from: first)
            for end in [steps, 6] { try tiny.train(name, recipe, steps: end) }
            try tiny.expectEqual("straight", name)
        }
        try FileManager.default.removeItem(atPath: first)
        try tiny.train("straight", recipe, steps: 7)
        let error = #expect(throws: TrainingError.self) {
            try open(tiny, "straight", recipe, from: tiny.folder("stopped1"))
        }
        #expect("\(error!)".contains("--from: the run has \(first), asked for"), "\(error!)")
    }

    /// The start must be what it was when the run was begun.
    @Test func aStartThatMovedOnIsRefused() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("first", recipe, steps: 3)
        _ = try open(tiny, "second", recipe, from: tiny.folder("first"))
        try tiny.train("first", recipe, steps: 4)
        let error = #expect(throws: TrainingError.self) { try tiny.open("second", recipe) }
        #expect("\(error!)".contains("other weights than those"), "\(error!)")
    }

    /// A model for use has an average alone, perhaps in half precision.
    @Test func aModelsFileIsEnough() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("first", recipe, steps: 5)
        let model = try ModelExport.checkpoint(of: tiny.folder("first"))
        try model.write(to: tiny.folder("model.safetensors"))
        let run = try open(tiny, "second", recipe, from: tiny.folder("model.safetensors"))
        #expect(
            run.notes.contains { $0.contains("it has no discriminator: it starts from random weights") },
            "\(run.notes)")
        let sections = Dictionary(uniqueKeysWithValues: run.trainer.state.sections)
        for name in ["generator", "average"] {
            expectSame(try #require(sections[name]), model.section("average"))
        }
        try run.run(until: .init(steps: 2), output: nil, isCancelled: { false })
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let tiny = try TinyRun()
        try tiny.train("first", TinyRun.recipe(), steps: 1)
        try tiny.train("grown", TinyRun.recipe("progan"), steps: 1)
        let cases: [(start: String, recipe: Recipe, message: String)] = [
            (
                "first", try TinyRun.recipe("dcgan", ["generator.filters=8"]),
                "generator: the weights do not fit"
            ),
            (
                "first", try TinyRun.recipe("conditional", ["conditions.attributes=[Smiling]"]),
                "conditions.attributes"
            ),
            (
                "first",
                try FaceToFaceTrainerTests.recipe("convert", ["resolution=16", "converter.levels=2"]),
                "it is of the recipe dcgan (adversarial), this run of convert"
            ),
            ("grown", try TinyRun.recipe("progan"), "--set growth.startSide=16"),
        ]
        for (start, recipe, message) in cases {
            let error = #expect(throws: TrainingError.self) {
                try open(tiny, "second", recipe, from: tiny.folder(start))
            }
            #expect("\(error!)".contains(message), "\(error!)")
            #expect(!FileManager.default.fileExists(atPath: tiny.folder("second/run.json")))
        }
        let narrow = try TinyRun.recipe("dcgan", ["generator.filters=8"])
        #expect(throws: TrainingError.self) {
            try tiny.open("grown", narrow, start: tiny.folder("first"), restart: true)
        }
        #expect(try tiny.states("grown") == ["last.safetensors"])
        let whole = try TinyRun.recipe("progan", ["growth.startSide=16"])
        _ = try open(tiny, "second", whole, from: tiny.folder("grown"))
        // The weights must not be removed before they are read.
        let error = #expect(throws: TrainingError.self) {
            try tiny.open("grown", whole, start: tiny.folder("grown"), restart: true)
        }
        #expect("\(error!)".contains("--restart removes"), "\(error!)")
        #expect(try tiny.states("grown") == ["last.safetensors"])
    }
}
