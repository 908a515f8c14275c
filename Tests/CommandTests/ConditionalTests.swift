import FaceGAN
import Foundation
import TestSupport
import Testing

/// Faces with requested attributes.
@Suite struct ConditionalTests {
    static let shared = Result { try trained() }
    let folder: TemporaryFolder
    let run: String

    init() throws {
        folder = try TemporaryFolder()
        run = try Self.shared.get().path + "/run"
    }

    /// Run with two attributes and three steps, from a preset of a recipe file.
    private static func trained() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let text = try #require(Recipe.library.first { $0.name == "conditional" }).text
        let recipe = try folder.write(
            text.replacing("presets:", with: "presets:\n  tiny: {resolution: 16, batchSize: 8}"),
            to: "conditional.yaml")
        let made = try Command.run(
            "train", "--recipe", recipe, "--preset", "tiny", "--data", "builtin:32", "--steps", "3", "--out",
            folder.file("run"), "--set", "conditions.attributes=[Smiling, Male]", "--set",
            "generator.filters=4", "--set", "discriminator.filters=4", "--set", "training.metrics=swd",
            "--threads", "1")
        #expect(made.status == 0, "\(made.errors)")
        return folder
    }

    private func generate(_ more: String...) throws -> ProcessResult {
        try Command.run(["generate", run] + more, folder: folder.path)
    }

    @Test func attributesAreAskedForByName() throws {
        for (name, value) in [("yes", "Male=1"), ("no", "Male=0"), ("also", "Smiling=no,Male=yes")] {
            let made = try generate("--attr", value, "--seeds", "0-3", "--out", name + ".png")
            #expect(made.status == 0, "\(made.errors)")
        }
        #expect(bytes(folder.file("yes.png")) != bytes(folder.file("no.png")))
        let origin = try #require(Provenance.read(bytes(folder.file("also.png"))))
        #expect("\(origin)".contains("Smiling=0,Male=1"), "\(origin)")
    }

    @Test(arguments: [
        ("Mal=1", "Mal: not an attribute of this model. Did you mean `Male`?"),
        ("Young=1", "not an attribute of this model. It has Smiling, Male"),
        ("Male=2", "expected NAME=1 or NAME=0"),
        ("Male", "expected NAME=1 or NAME=0"), ("Male=1,Male=0", "Male appears twice"),
    ])
    func mistakesAreNamed(asked: String, message: String) throws {
        let made = try generate("--attr", asked)
        #expect(made.status != 0 && made.errors.contains(message), "\(made.errors)")
    }

    /// `--class` accepts names and indices, and equals `--attr` with 1.
    @Test func classesAreNamesOrIndices() throws {
        #expect(try generate("--attr", "Male=1", "--seeds", "0-3", "--out", "a.png").status == 0)
        for value in ["Male", "1", "Male=1"] {
            let made = try generate("--class", value, "--seeds", "0-3", "--out", "b.png")
            #expect(made.status == 0, "\(made.errors)")
            #expect(bytes(folder.file("a.png")) == bytes(folder.file("b.png")), "\(value)")
        }
        for (arguments, message) in [
            (["--class", "2"], "2: not an attribute of this model"),
            (["--class", "-1"], "-1: not an attribute of this model"),
            (["--class", ","], "--class: expected an index"),
            (["--class", "Male", "--attr", "Male=1"], "one of --attr and --class"),
            (["--class", "Male,Male"], "--class: Male appears twice"),
        ] {
            let made = try Command.run(["generate", run] + arguments, folder: folder.path)
            #expect(made.status != 0 && made.errors.contains(message), "\(made.errors)")
        }
    }

    /// A model with classes, imported from NVlabs' format.
    @Test func importedClassesAreChosenByIndex() throws {
        let model = folder.file("classes.safetensors")
        let made = try Command.run("import", goldens("Import/stylegan2-conditional.pkl"), "--out", model)
        #expect(made.status == 0 && made.output.contains("conditions.attributes 0 to 2"), "\(made.errors)")
        func faces(_ arguments: String...) throws -> [UInt8] {
            let result = try Command.run(
                ["generate", model, "--seeds", "0-3", "--out", "c.png"] + arguments, folder: folder.path)
            #expect(result.status == 0, "\(result.errors)")
            return bytes(folder.file("c.png"))
        }
        let classes = try (0..<3).map { try faces("--class", "\($0)") }
        #expect(Set(classes).count == 3)
        #expect(!classes.contains(try faces()))
        let several = try Command.run(["generate", model, "--class", "0,1"], folder: folder.path)
        #expect(several.status != 0 && several.errors.contains("one of 3 classes"), "\(several.errors)")
    }

    @Test func aSheetHasAColumnForEachAnswer() throws {
        let made = try generate("--sheet", "--seeds", "0-2", "--out", "sheet.png")
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output.contains("then without and with Smiling, Male"), "\(made.output)")
        let sheet = try PictureDecoder.decode(bytes(folder.file("sheet.png"))).picture
        #expect(sheet.width == 5 * 18 + 2 && sheet.height == 3 * 18 + 2)
        let face = { (row: Int, column: Int) in
            try sheet.cropped(x: 2 + 18 * column, y: 2 + 18 * row, width: 16, height: 16)
        }
        for row in 0..<3 {
            // The face equals one of the two faces of each attribute.
            for column in [1, 3] {
                let itself = try face(row, 0)
                let two = try [face(row, column), face(row, column + 1)]
                #expect(two.contains(itself) && two[0] != two[1])
            }
        }
    }

    @Test func othersCannotBeAsked() throws {
        let plain = try TinyRun.shared.get().path
        let asked = try Command.run("generate", plain, "--attr", "Male=1")
        #expect(asked.errors.contains("this model has no attributes to request"), "\(asked.errors)")
        let sheet = try Command.run("generate", plain, "--sheet")
        #expect(sheet.errors.contains("--sheet requires a model with attributes"), "\(sheet.errors)")
    }

    /// The report has the agreement of the face network with the requested attributes.
    @Test func aJudgeLooksForWhatWasAsked() throws {
        let made = try Command.run(
            ["evaluate", run, "--metrics", "accuracy", "--count", "64", "--threads", "1"], folder: folder.path
        )
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output.contains("Male") && made.output.contains("Smiling"), "\(made.output)")
    }

    @Test func aPresetThatIsNotThereIsNamed() throws {
        let result = try Command.run(
            "train", "--recipe", "dcgan", "--preset", "smal", "--data", "builtin:8", "--dry-run")
        #expect(result.errors.contains("no preset `smal`; did you mean `small`?"), "\(result.errors)")
    }
}
