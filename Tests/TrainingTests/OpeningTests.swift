import Checkpoints
import Foundation
import Recipes
import Runs
import TestSupport
import Testing
import Torch
import Training

/// Runs that start from the weights of another run.
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

    @Test func onlyNetworksAreCopied() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("first", recipe, steps: 5)
        let other = try Checkpoint(path: tiny.folder("first/checkpoints/last.safetensors"))
        let changed = try TinyRun.recipe("dcgan", ["generatorOptimizer.learningRate=1e-3", "batchSize=4"])
        let run = try open(tiny, "second", changed, from: tiny.folder("first"))
        #expect(run.resumedAt == nil && run.trainer.clock.images == 0)
        #expect(run.notes.count == 1 && run.notes[0].contains("starting from the weights of"), "\(run.notes)")
        let sections = Dictionary(uniqueKeysWithValues: run.trainer.state.sections)
        for name in ["generator", "average", "discriminator"] {
            expectSame(try #require(sections[name]), other.section(name))
        }
        #expect(
            try #require(sections["optimizer.generator"]).allSatisfy { $0.tensor.abs().max().item() == 0 })
    }

    /// A resumed run needs no `start` and equals an uninterrupted one.
    @Test func resumedRunEqualsUninterruptedRun() throws {
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
        #expect("\(error!)".contains("--from: the run has \(first), the command requests"), "\(error!)")
    }

    /// The file of the initial weights must be unchanged.
    @Test func changedInitialWeightsAreAnError() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("first", recipe, steps: 3)
        _ = try open(tiny, "second", recipe, from: tiny.folder("first"))
        try tiny.train("first", recipe, steps: 4)
        let error = #expect(throws: TrainingError.self) { try tiny.open("second", recipe) }
        #expect("\(error!)".contains("the weights differ from those"), "\(error!)")
    }

    /// An exported model has only averaged weights.
    @Test func exportedModelCanBeUsed() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("first", recipe, steps: 5)
        let model = try ModelExport.checkpoint(of: tiny.folder("first"))
        try model.write(to: tiny.folder("model.safetensors"))
        let run = try open(tiny, "second", recipe, from: tiny.folder("model.safetensors"))
        #expect(
            run.notes.contains {
                $0.contains("the file has no discriminator: it starts from random weights")
            }, "\(run.notes)")
        let sections = Dictionary(uniqueKeysWithValues: run.trainer.state.sections)
        for name in ["generator", "average"] {
            expectSame(try #require(sections[name]), model.section("average"))
        }
        try run.run(until: .init(steps: 2), output: nil, isCancelled: { false })
    }

    @Test func unsuitableWeightsAreAnError() throws {
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
                "its recipe is dcgan (adversarial), the recipe of this run is convert"
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
        // The folder of the initial weights must not be removed.
        let error = #expect(throws: TrainingError.self) {
            try tiny.open("grown", whole, start: tiny.folder("grown"), restart: true)
        }
        #expect("\(error!)".contains("--restart removes the folder of this file"), "\(error!)")
        #expect(try tiny.states("grown") == ["last.safetensors"])
    }
}

/// Errors when a run is opened, and their messages.
@Suite struct OpeningErrorTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing was thrown"
        } catch { return "\(error)" }
    }

    @Test func otherSettingsAreAnError() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("run", recipe, steps: 3)
        let before = tiny.bytes("run/checkpoints/last.safetensors")
        let kept = tiny.bytes("run/recipe.yaml")

        let changed = try TinyRun.recipe("dcgan", ["generatorOptimizer.learningRate=1e-3", "batchSize=16"])
        let text = message { _ = try tiny.open("run", changed, seed: 5, precision: .bf16) }
        for part in [
            "run contains a run with other settings", "--seed: the run has 0, the command requests 5",
            "--precision: the run has fp32, the command requests bf16",
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
        // The content of the pictures matters, not their path.
        let moved = try TrainingRun(
            recipe: recipe, store: tiny.store, data: "moved", folder: tiny.folder("run"), precision: .fp32)
        #expect(moved.resumedAt?.steps == 3)
    }

    /// After an error a created folder is removed; an existing folder stays.
    @Test func failedRunLeavesNoFolder() throws {
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

    @Test func lengthAndIntervalsCanChange() throws {
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

    @Test func restartRemovesOnlyFilesOfTheRun() throws {
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

    @Test func folderIsLocked() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        let first = try tiny.open("run", recipe)
        let text = message { _ = try tiny.open("run", recipe) }
        #expect(text.contains("another process is training in this folder"), "\(text)")
        withExtendedLifetime(first) {}
    }

    @Test func unusableFoldersAndPicturesAreErrors() throws {
        let tiny = try TinyRun()
        try tiny.place.write("a file", to: "file")
        let text = message { _ = try tiny.open("file/run", TinyRun.recipe()) }
        #expect(text.contains("file/run: cannot create the run directory"), "\(text)")
        let size = message { _ = try tiny.open("run", TinyRun.recipe("dcgan", ["resolution=32"])) }
        #expect(size.contains("16 x 16 pixels") && size.contains("--set resolution=16"), "\(size)")
        let split = message { _ = try tiny.open("run", TinyRun.recipe("dcgan", ["data.split=test"])) }
        #expect(split.contains("data.split"), "\(split)")
        // No files are left.
        #expect(try tiny.place.contents() == ["faces.faces", "file"])
    }

    @Test func statesWithoutARecordAreAnError() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("run", recipe, steps: 3)
        try FileManager.default.removeItem(atPath: tiny.folder("run/run.json"))
        let text = message { _ = try tiny.open("run", recipe) }
        #expect(text.contains("no run.json") && text.contains("last.safetensors"), "\(text)")
        try tiny.place.write("{\"data\": 3", to: "run/run.json")
        for restart in [false, true] {
            let damaged = message { _ = try tiny.open("run", recipe, restart: restart) }
            #expect(damaged.contains("run.json") && damaged.contains("damaged"), "\(damaged)")
        }
        #expect(try tiny.states("run") == ["last.safetensors"])
    }

    /// Files of the user in a folder without a run stay, whatever their names are.
    @Test(arguments: [
        "recipe.yaml", "log.jsonl", "film.png", "scores.png", "checkpoints/best.safetensors",
        "previews/images-0000000250.png", "events/events.out.tfevents.1.x.1.v2",
    ])
    func filesOfTheUserRefuseTheRun(name: String) throws {
        let tiny = try TinyRun()
        try tiny.place.write("mine", to: "run/" + name)
        for restart in [false, true] {
            let text = message { _ = try tiny.open("run", TinyRun.recipe(), restart: restart) }
            #expect(text.contains((name as NSString).lastPathComponent) && text.contains("--out"), "\(text)")
        }
        #expect(String(decoding: tiny.bytes("run/" + name), as: UTF8.self) == "mine")
    }

    @Test func otherFilesInTheFoldersOfARunStay() throws {
        let tiny = try TinyRun()
        let names = [
            "notes.txt", "previews/holiday.jpg", "checkpoints/images-of-us.safetensors", "events/1999.txt",
        ]
        for name in names { try tiny.place.write("mine", to: "run/" + name) }
        try tiny.train("run", TinyRun.recipe(), steps: 2)
        let run = try tiny.open("run", TinyRun.recipe("dcgan", ["batchSize=4"]), restart: true)
        #expect(run.resumedAt == nil && run.directory.previews.isEmpty)
        for name in names { #expect(String(decoding: tiny.bytes("run/" + name), as: UTF8.self) == "mine") }
    }

    @Test func deletedStatesAreAnError() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("run", recipe, steps: 2)
        for name in try tiny.states("run") {
            try FileManager.default.removeItem(atPath: tiny.folder("run/checkpoints/" + name))
        }
        let text = message { _ = try tiny.open("run", recipe) }
        #expect(text.contains("checkpoints") && text.contains("--restart"), "\(text)")
        #expect(try tiny.open("run", recipe, restart: true).resumedAt == nil)
    }

    /// Resuming from an older state would cut the log.
    @Test func aDeletedNewestStateIsAnError() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.keepKimg=0.032"])
        try tiny.train("run", recipe, steps: 7)
        let last = tiny.folder("run/checkpoints/last.safetensors")
        try FileManager.default.removeItem(atPath: last)
        let before = tiny.bytes("run/log.jsonl")
        let text = message { _ = try tiny.open("run", recipe) }
        #expect(text.contains("newest state is missing") && text.contains("step 6"), "\(text)")
        #expect(tiny.bytes("run/log.jsonl") == before && !before.isEmpty)
        try FileManager.default.copyItem(
            atPath: tiny.folder("run/checkpoints/images-0000000032.safetensors"), toPath: last)
        #expect(try tiny.open("run", recipe).resumedAt?.steps == 4)
    }

    @Test func anEditedRecipeIsAnError() throws {
        let tiny = try TinyRun()
        try tiny.train("run", TinyRun.recipe(), steps: 2)
        let path = tiny.folder("run/recipe.yaml")
        let text = String(decoding: tiny.bytes("run/recipe.yaml"), as: UTF8.self)
        let edited = text.replacing("batchSize: 8", with: "batchSize: 16")
        #expect(edited != text)
        try Data(edited.utf8).write(to: URL(fileURLWithPath: path))
        let error = message { _ = try tiny.open("run", .load(path)) }
        #expect(error.contains("batchSize: 8 → 16") && error.contains("recipe.yaml"), "\(error)")
        // A change that does not affect the training is permitted.
        let longer = text.replacing("logSteps: 3", with: "logSteps: 2")
        try Data(longer.utf8).write(to: URL(fileURLWithPath: path))
        #expect(try tiny.open("run", .load(path)).resumedAt?.steps == 2)
    }
}
