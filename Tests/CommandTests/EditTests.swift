import FaceGAN
import Foundation
import TestSupport
import Testing

/// `directions`, `edit`, `mix` and `replay` with tiny networks.
@Suite struct EditCommandTests {
    static let shared = Result { try Place() }
    let place: Place
    let folder: TemporaryFolder

    init() throws {
        place = try Self.shared.get()
        folder = try TemporaryFolder()
    }

    /// A tiny generator with its directions.
    struct Place {
        let folder: TemporaryFolder
        let model: String
        let printed: String

        init() throws {
            let run = try TinyRun.shared.get().path
            folder = try TemporaryFolder()
            model = folder.file("model.safetensors")
            let exported = try Command.run("export", run, "--out", model)
            try #require(exported.status == 0, "\(exported.errors)")
            let found = try Command.run(
                "directions", model, "--count", "120", "--unsupervised", "2", "--calibration-faces", "2",
                "--threads", "1")
            try #require(found.status == 0, "\(found.errors)")
            printed = found.output
        }
    }

    private func run(_ command: String, _ more: String...) throws -> ProcessResult {
        try Command.run([command, place.model] + more + ["--threads", "1"], folder: folder.path)
    }

    @Test func directionsAreWrittenBesideTheModel() throws {
        #expect(bytes(place.folder.file("model.directions.safetensors")).count > 1000)
        #expect(place.printed.contains("40 attributes in z, from 120 faces"), "\(place.printed)")
        #expect(place.printed.contains("Smiling ") && place.printed.contains("pca2: "), "\(place.printed)")
        let shown = try run("directions", "--show")
        #expect(shown.status == 0 && shown.output.contains("Wearing_Hat"), "\(shown.errors)")
        #expect(place.printed.hasPrefix(shown.output))
    }

    @Test func editsPrintWhatTheyChange() throws {
        let made = try run("edit", "--set", "Smiling=+2,Young=-1", "--seeds", "0-3", "--out", "a.png")
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output.contains("Wrote a.png: 4 faces, Smiling=+2, Young=-1"), "\(made.output)")
        #expect(made.output.contains("Smiling") && made.output.contains("identity"), "\(made.output)")
        let picture = try PictureDecoder.decode(bytes(folder.file("a.png"))).picture
        #expect(picture.width == 4 * 18 + 2 && picture.height == 2 * 18 + 2)
        #expect(try folder.contents() == ["a.png"])
    }

    @Test func replaysHaveTheSameBytes() throws {
        for (name, options) in [
            ("pairs.png", []), ("strip.png", ["--strip", "5"]), ("picture.jpg", ["--strip", "3"]),
            ("grid.png", ["--grid", "3", "--seeds", "4", "--set", "Male=2,sefa1=1"]),
        ] {
            let edit = options.contains("--grid") ? options : options + ["--set", "Male=2", "--seeds", "1-3"]
            let made = try Command.run(
                ["edit", place.model, "--out", name, "--no-report", "--threads", "1"] + edit,
                folder: folder.path)
            #expect(made.status == 0, "\(made.errors)")
            let again = try Command.run(
                ["replay", name, "--model", place.model, "--out", "again-" + name, "--threads", "1"],
                folder: folder.path)
            #expect(again.status == 0 && again.output.contains("the same bytes as \(name)"), "\(again)")
            #expect(bytes(folder.file(name)) == bytes(folder.file("again-" + name)))
        }
        let shown = try Command.run(["replay", "grid.png", "--show"], folder: folder.path)
        #expect(
            shown.output.contains("\"seeds\":[4]") && shown.output.contains("\"name\":\"sefa1\""), "\(shown)")
    }

    @Test func foldersHoldSingleFaces() throws {
        let made = try run("edit", "--set", "Bangs=1", "--seeds", "8,9", "--out", "out/", "--no-report")
        #expect(made.status == 0, "\(made.errors)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted() == [
                "seed-8.png", "seed-9.png",
            ])
        let saved = try run(
            "edit", "--set", "Bangs=1", "--seeds", "8", "--out", "b.png", "--no-report", "--save-latents",
            "l.safetensors")
        #expect(saved.output.contains("Wrote l.safetensors: 1 latent in space z"), "\(saved.output)")
        // The saved latents are those of the edited faces.
        let face = try Command.run(
            [
                "generate", place.model, "--latents", "l.safetensors", "--out", "faces/", "--precision",
                "fp32",
            ],
            folder: folder.path)
        #expect(face.status == 0, "\(face.errors)")
        let again = try run(
            "edit", "--latents", "l.safetensors", "--set", "Bangs=0", "--out", "c/", "--no-report",
            "--precision",
            "fp32")
        #expect(again.status == 0, "\(again.errors)")
        #expect(
            try PictureDecoder.decode(bytes(folder.file("c/latent-0.png"))).picture
                == PictureDecoder.decode(bytes(folder.file("faces/latent-000000.png"))).picture)
    }

    /// Attributes of a conditional model are labels; other names need directions.
    @Test func conditionalModelsNeedNoDirections() throws {
        let run = try ConditionalTests.shared.get().path + "/run"
        let made = try Command.run(
            ["edit", run, "--set", "Male=2", "--seeds", "0-3", "--out", "c.png", "--threads", "1"],
            folder: folder.path)
        #expect(made.status == 0 && made.output.contains("Male "), "\(made.output)\(made.errors)")
        let again = try Command.run(
            ["replay", "c.png", "--model", run, "--out", "d.png", "--threads", "1"], folder: folder.path)
        #expect(again.output.contains("the same bytes"), "\(again.output)\(again.errors)")
        let other = try Command.run(
            ["edit", run, "--set", "Young=1", "--out", "e.png", "--threads", "1"], folder: folder.path)
        #expect(other.status == 1 && other.errors.contains("facegan directions"), "\(other.errors)")
    }

    @Test func mixingRequiresAStyleGenerator() throws {
        let made = try run("mix")
        #expect(
            made.status == 1 && made.errors.contains("mixing requires a style generator"), "\(made.errors)")
    }

    @Test(arguments: [
        (["edit", "--set", "Smiling"], "expected NAME=UNITS"),
        (["edit", "--set", "Smiling=x"], "NAME=UNITS"),
        (["edit", "--set", "Smiling=1,Smiling=2"], "appears twice"),
        (["edit", "--set", "Smiling=1e9"], "-100 to 100"),
        (["edit", "--set", "Smiling=1", "--layers", "5-2"], "range of rows"),
        (["edit", "--set", "Smiling=1", "--strip", "3", "--grid", "3"], "one of --strip and --grid"),
        (["edit", "--set", "Smiling=1", "--grid", "3", "--seeds", "1"], "two edits"),
        (["edit", "--set", "Smiling=1,Male=1", "--grid", "3"], "one face"),
        (["edit", "--set", "Smiling=1", "--space", "w+"], "expected z or w"),
        (["edit", "--set", "Smiling=1", "--out", "a.bmp"], ".png or .jpg"),
        (["edit", "--set", "Smiling=1", "--seeds", "0-5000"], "4,096"),
        (["directions", "--count", "5"], "--count: expected 100"),
        (["directions", "--show", "--out", "x.safetensors"], "cannot be combined"),
        (["mix", "--sources", "1", "--source-latents", "x"], "one of --sources"),
        (["replay"], "--out, or use --show"),
    ])
    func wrongArgumentsAreRefusedBeforeAnyWork(words: [String], says: String) throws {
        let result = try Command.run(
            [words[0], "no-such-model"] + words.dropFirst(), folder: folder.path)
        #expect(result.status == 64 && result.errors.contains(says), "\(result.errors)")
        #expect(try folder.contents() == [])
    }

    @Test(arguments: [
        (["--set", "Smilin=1"], "Did you mean `Smiling`?"),
        (["--set", "Smiling=1", "--layers", "0-1"], "only space w"),
        (["--set", "Smiling=1", "--space", "w"], "no space w"),
        (["--set", "Smiling=1", "--condition", "Nose"], "Nose: not an attribute"),
        (["--set", "Smiling=1", "--directions", "none.safetensors"], "no directions of this model"),
        (["--set", "Smiling=1", "--latents", "none.safetensors"], "none.safetensors"),
    ])
    func impossibleEditsAreNamed(options: [String], says: String) throws {
        let result = try Command.run(["edit", place.model] + options, folder: folder.path)
        #expect(result.status == 1 && result.errors.contains(says), "\(result.errors)")
        #expect(try folder.contents() == [])
    }

    @Test func foreignPicturesAreNotReplayed() throws {
        let made = try run("generate", "--seeds", "1", "--out", "plain.png")
        #expect(made.status == 0, "\(made.errors)")
        let plain = try Command.run(["replay", "plain.png", "--out", "x.png"], folder: folder.path)
        #expect(plain.status == 1 && plain.errors.contains("no edit recipe"), "\(plain.errors)")
        let edited = try run("edit", "--set", "Male=1", "--seeds", "1", "--out", "edited.png", "--no-report")
        #expect(edited.status == 0, "\(edited.errors)")
        let unknown = try Command.run(["replay", "edited.png", "--out", "x.png"], folder: folder.path)
        #expect(unknown.status == 1 && unknown.errors.contains("--model"), "\(unknown.errors)")
        let same = try Command.run(
            ["replay", "edited.png", "--model", place.model, "--out", "edited.png"], folder: folder.path)
        #expect(same.status == 1 && same.errors.contains("would replace the input"), "\(same.errors)")
    }
}
