import Foundation
import Recipes
import TestSupport
import Testing
import Torch
import Training

/// What keeps a run from starting or going on, and what the user reads then.
@Suite struct RefusalTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing was thrown"
        } catch { return "\(error)" }
    }

    @Test func anotherExperimentIsRefused() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("run", recipe, steps: 3)
        let before = tiny.bytes("run/checkpoints/last.safetensors")
        let kept = tiny.bytes("run/recipe.yaml")

        let changed = try TinyRun.recipe("dcgan", ["generatorOptimizer.learningRate=1e-3", "batchSize=16"])
        let text = message { _ = try tiny.open("run", changed, seed: 5, precision: .bf16) }
        for part in [
            "run holds a run", "--seed: the run has 0, asked for 5",
            "--precision: the run has fp32, asked for bf16",
            "batchSize: 8 → 16", "generatorOptimizer.learningRate: 0.0002 → 0.001", "--restart",
        ] {
            #expect(text.contains(part), "\(part) is not in: \(text)")
        }
        let other = try TinyRun(seed: 7)
        let pictures = message {
            _ = try TrainingRun(
                recipe: recipe, store: other.store, data: "others", folder: tiny.folder("run"))
        }
        #expect(pictures.contains("pictures: the run has"))
        #expect(pictures.contains("the command requests others ("))
        #expect(!pictures.contains("protocol:"))

        #expect(tiny.bytes("run/checkpoints/last.safetensors") == before)
        #expect(tiny.bytes("run/recipe.yaml") == kept)
        // The same pictures under another name are the same.
        let moved = try TrainingRun(
            recipe: recipe, store: tiny.store, data: "moved", folder: tiny.folder("run"), precision: .fp32)
        #expect(moved.resumedAt?.steps == 3)
    }

    /// A folder that somebody else made stays.
    @Test func aRefusedRunLeavesNoFolder() throws {
        let tiny = try TinyRun()
        try FileManager.default.createDirectory(
            atPath: tiny.folder("there"), withIntermediateDirectories: false)
        for name in ["anew", "there"] {
            let text = message {
                _ = try TrainingRun(
                    recipe: TinyRun.recipe(), store: tiny.store, data: "tiny", folder: tiny.folder(name),
                    start: tiny.folder("nowhere"))
            }
            #expect(text.contains("nowhere"), "\(text)")
        }
        #expect(!FileManager.default.fileExists(atPath: tiny.folder("anew")))
        #expect(FileManager.default.fileExists(atPath: tiny.folder("there")))
    }

    @Test func lengthAndCadenceMayChange() throws {
        let tiny = try TinyRun()
        try tiny.train("run", TinyRun.recipe(), steps: 3)
        let run = try tiny.open(
            "run", TinyRun.recipe("dcgan", ["training.logSteps=2", "training.totalKimg=0.04"]))
        #expect(run.notes.sorted() == ["training.logSteps: 3 → 2", "training.totalKimg: 1000.0 → 0.04"])
        #expect(try run.run(output: nil, isCancelled: { false }) == .finished)
        #expect(run.trainer.clock.steps == 5)
        #expect(tiny.log("run").count == 2)
        #expect(String(decoding: tiny.bytes("run/recipe.yaml"), as: UTF8.self).contains("logSteps: 2"))
    }

    @Test func restartBeginsAnewAndTakesOnlyItsOwn() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("run", recipe, steps: 5)
        try tiny.place.write("mine", to: "run/notes.txt")
        let run = try tiny.open("run", TinyRun.recipe("dcgan", ["batchSize=4"]), seed: 3, restart: true)
        #expect(run.resumedAt == nil)
        #expect(try tiny.states("run").isEmpty)
        try run.run(until: .init(steps: 3), output: nil, isCancelled: { false })
        #expect(tiny.log("run").count == 1)
        #expect(String(decoding: tiny.bytes("run/notes.txt"), as: UTF8.self) == "mine")
    }

    @Test func oneProcessAtATime() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        let first = try tiny.open("run", recipe)
        let text = message { _ = try tiny.open("run", recipe) }
        #expect(text.contains("another process is training in this folder"), "\(text)")
        withExtendedLifetime(first) {}
    }

    @Test func foldersThatCannotBe() throws {
        let tiny = try TinyRun()
        try tiny.place.write("a file", to: "file")
        let text = message { _ = try tiny.open("file/run", TinyRun.recipe()) }
        #expect(text.contains("file/run: cannot create the run directory"), "\(text)")
        let size = message { _ = try tiny.open("run", TinyRun.recipe("dcgan", ["resolution=32"])) }
        #expect(size.contains("16 pixels wide") && size.contains("--set resolution=16"), "\(size)")
        let split = message { _ = try tiny.open("run", TinyRun.recipe("dcgan", ["data.split=test"])) }
        #expect(split.contains("data.split"), "\(split)")
        // Neither of them left anything behind.
        #expect(try tiny.place.contents() == ["faces.faces", "file"])
    }

    @Test func statesWithoutARecordAreNobodys() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("run", recipe, steps: 3)
        try FileManager.default.removeItem(atPath: tiny.folder("run/run.json"))
        let text = message { _ = try tiny.open("run", recipe) }
        #expect(text.contains("no run.json") && text.contains("--restart"), "\(text)")
        try tiny.place.write("{\"data\": 3", to: "run/run.json")
        let damaged = message { _ = try tiny.open("run", recipe) }
        #expect(damaged.contains("run.json") && damaged.contains("damaged"), "\(damaged)")
    }
}
