import FaceGAN
import Foundation
import TestSupport
import Testing

/// `facegan reconstruct`, `upscale` and `convert` on aligned faces.
@Suite struct FaceToFaceTests {
    static let shared = Result { try trained() }
    let models: TemporaryFolder
    let folder: TemporaryFolder

    init() throws {
        models = try Self.shared.get()
        folder = try TemporaryFolder()
        for (name, side) in [("a", 32), ("b", 40)] {
            try folder.write(try Self.photo(side), to: "photos/\(name).png")
        }
    }

    private static func photo(_ side: Int) throws -> [UInt8] {
        let pixels = (0..<(side * side * 3)).map { UInt8(truncatingIfNeeded: 40 + $0 / 97 * 3) }
        return try PictureEncoder.png(Picture(width: side, height: side, channels: 3, pixels: pixels))
    }

    /// Run of each recipe with twelve steps; the critic starts after the eighth.
    private static func trained() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let common = [
            "resolution=32", "batchSize=4", "training.previewCount=6", "training.logSteps=2",
            "training.scoreKimg=0",
        ]
        let phases = ["phases.plain.minKimg=0", "phases.plain.maxKimg=0.032", "critic.filters=2"]
        let recipes = [
            "dfl": phases + [
                "restorer.encoderFilters=2", "restorer.bottleneck=4", "restorer.decoderFilters=2",
                "restorer.halfSide=false", "phases.warp.minKimg=0", "phases.warp.maxKimg=0",
                "phases.dropout.minKimg=0", "phases.dropout.maxKimg=0",
            ],
            "superres": phases + [
                "restorer.filters=4", "restorer.blocks=1", "perceptual.weight=0", "input.scale=2",
            ],
            "convert": [
                "converter.filters=4", "converter.levels=3", "converter.criticFilters=4",
                "converter.criticWidth=8", "conditions.attributes=[Smiling, Male]", "steps.discriminator=1",
            ],
        ]
        for (name, sizes) in recipes {
            let made = try Command.run(
                [
                    "train", "--recipe", name, "--data", "builtin:64", "--steps", "12", "--out",
                    folder.file(name),
                ]
                    + ["--threads", "1"] + (common + sizes).flatMap { ["--set", $0] })
            #expect(made.status == 0, "\(made.errors)")
        }
        return folder
    }

    private func use(_ command: String, _ model: String, _ more: String...) throws -> ProcessResult {
        try Command.run(
            [command, models.file(model), folder.file("photos"), "--out", folder.file("out")] + more)
    }

    private func size(_ name: String) throws -> [Int] {
        let picture = try PictureDecoder.decode(bytes(folder.file("out/\(name)"))).picture
        return [picture.width, picture.height]
    }

    @Test func facesComeBackWithFigures() throws {
        let result = try use("reconstruct", "dfl", "--aligned")
        #expect(result.status == 0, "\(result.errors)")
        for figure in ["PSNR, dB ↑", "SSIM ↑", "face-feature distance ↓", "mean of 2"] {
            #expect(result.output.contains(figure), "\(result.output)")
        }
        #expect(try size("a.png") == [32, 32] && size("b.png") == [32, 32])
        #expect(try size("a-beside.png") == [70, 36])
        // The mark says that a model changed a photograph.
        let origin = try #require(Provenance.read(bytes(folder.file("out/a.png"))))
        #expect(origin.source == .compositeWithTrainedAlgorithmicMedia)
        #expect(origin["recipe"] == "dfl")
        // Existing files are replaced on request only.
        let again = try use("reconstruct", "dfl", "--aligned", "--strength", "0")
        #expect(again.status == 1 && again.errors.contains("--overwrite"))
        let before = bytes(folder.file("out/a.png"))
        #expect(try use("reconstruct", "dfl", "--aligned", "--strength", "0", "--overwrite").status == 0)
        #expect(bytes(folder.file("out/a.png")) != before, "the weights of before the critic are others")
    }

    @Test func photographsGrow() throws {
        let whole = try use("upscale", "superres")
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(try size("a.png") == [64, 64] && size("b.png") == [80, 80])
        #expect(!FileManager.default.fileExists(atPath: folder.file("out/a-beside.png")))
        let large = try PictureDecoder.decode(bytes(folder.file("out/b.png"))).picture
        // Tiles do not cause seams: the picture is equal except for rounding.
        let tiled = try use("upscale", "superres", "--tile", "16", "--overwrite")
        #expect(tiled.status == 0, "\(tiled.errors)")
        let other = try PictureDecoder.decode(bytes(folder.file("out/b.png"))).picture
        let difference = zip(large.pixels, other.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(difference <= 2, "\(difference)")
        // The comparison is written on request.
        #expect(try use("upscale", "superres", "--beside", "--overwrite").status == 0)
        #expect(try size("a-beside.png").first == 2 * 64 + 6)
    }

    /// Photographs of the same name keep separate results.
    @Test func twinsAreKeptApart() throws {
        let photo = try PictureDecoder.decode(try Self.photo(32)).picture
        try folder.write(PictureEncoder.jpeg(photo), to: "photos/a.jpg")
        try folder.write(try Self.photo(40), to: "other/a.png")
        let result = try Command.run(
            "upscale", models.file("superres"), folder.file("photos"), folder.file("other/a.png"),
            folder.file("photos/b.png"), "--out", folder.file("out"))
        #expect(result.status == 0, "\(result.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted()
        #expect(names == ["a-jpg.png", "a-png-2.png", "a-png.png", "b.png"])
        #expect(try size("a-png.png") == [64, 64] && size("a-png-2.png") == [80, 80])
    }

    @Test func attributesChange() throws {
        let result = try use("convert", "convert", "--aligned", "--attr", "Smiling=1")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try size("a.png") == [32, 32])
        #expect(try size("a-strip.png")[0] == 6 * 34 + 2)
        let origin = try #require(Provenance.read(bytes(folder.file("out/a.png"))))
        #expect(origin["changed"] == "Smiling=1" && origin["intensity"] == "1.0")
        let one = bytes(folder.file("out/a.png"))
        let less = try use(
            "convert", "convert", "--aligned", "--attr", "Smiling=0", "--overwrite", "--intensity", "1.5")
        #expect(less.status == 0 && bytes(folder.file("out/a.png")) != one)
    }

    @Test func modelsAreToldApart() throws {
        for (command, model, message) in [
            ("reconstruct", "superres", "facegan upscale"), ("upscale", "dfl", "facegan reconstruct"),
            ("upscale", "convert", "not a network that restores pictures"),
        ] {
            let result = try use(command, model)
            #expect(result.status == 1 && result.errors.contains(message), "\(result.errors)")
        }
        let wrong = try use("convert", "convert", "--aligned", "--attr", "Smilling=1")
        #expect(wrong.status == 1 && wrong.errors.contains("Did you mean `Smiling`?"), "\(wrong.errors)")
        let generate = try Command.run("generate", models.file("superres"))
        #expect(generate.status == 1 && generate.errors.contains("facegan upscale"), "\(generate.errors)")
    }

    @Test func facesAreHeldOutForEvaluation() throws {
        for (model, words) in [
            ("dfl", ["before the critic", "against the critic", "PSNR, dB ↑"]),
            ("superres", ["cubics", "before the critic", "against the critic"]),
            ("convert", ["Smiling", "flipped", "similarity"]),
        ] {
            let result = try Command.run(
                "evaluate", models.file(model), "--json", folder.file("\(model).json"))
            #expect(result.status == 0, "\(result.errors)")
            for word in words { #expect(result.output.contains(word), "\(result.output)") }
            #expect(!bytes(folder.file("\(model).json")).isEmpty)
        }
    }

    @Test func photographsAreDividedByAnAttribute() throws {
        func turned(_ arguments: String...) throws -> [String: Double] {
            let path = folder.file("turned.json")
            let result = try Command.run(["evaluate", models.file("convert"), "--json", path] + arguments)
            #expect(result.status == 0 && result.output.contains("in photographs"), "\(result.errors)")
            let report = try JSONSerialization.jsonObject(with: Data(bytes(path))) as? [String: Any]
            let values = try #require(report?["values"] as? [String: [String: [Double]]])
            return values.compactMapValues { $0["turned"]?.first }
        }
        let all = try turned()
        let divided = try turned("--by", "Male")
        #expect(all.keys.sorted() == ["Male", "Smiling"])
        #expect(
            divided.keys.sorted() == ["Male, Male", "Male, not Male", "Smiling, Male", "Smiling, not Male"])
        for name in all.keys {
            let (one, other) = (
                try #require(divided["\(name), Male"]), try #require(divided["\(name), not Male"])
            )
            let whole = try #require(all[name])
            #expect(min(one, other)...max(one, other) ~= whole)
        }
    }

    @Test func evaluationRefusesWhatItWouldIgnore() throws {
        let wrong = try Command.run("evaluate", models.file("convert"), "--by", "Mole")
        #expect(wrong.status == 1 && wrong.errors.contains("did you mean Male?"), "\(wrong.errors)")
        for (arguments, message) in [
            (["--html", "x.html"], "--html"), (["--against", "builtin:8"], "no pictures in this part"),
            (["--by", "Male"], "--by"),
        ] {
            let result = try Command.run(["evaluate", models.file("superres")] + arguments)
            #expect(result.status == 1 && result.errors.contains(message), "\(result.errors)")
        }
        let store = folder.file("large.faces")
        #expect(
            try Command.run("data", "prepare", "builtin:16", "--protocol", "faces64", "--out", store).status
                == 0)
        let result = try Command.run("evaluate", models.file("dfl"), "--against", store)
        #expect(result.status == 1 && result.errors.contains("64 pixels wide"), "\(result.errors)")
    }

    /// --overwrite does not replace photographs by results.
    @Test func photographsAreSafe() throws {
        try folder.write(try Self.photo(32), to: "photos/a-beside.png")
        let photo = bytes(folder.file("photos/a-beside.png"))
        let result = try Command.run(
            "reconstruct", models.file("dfl"), folder.file("photos"), "--aligned", "--overwrite", "--out",
            folder.file("photos"))
        #expect(
            result.status == 1 && result.errors.contains("would replace a photograph"), "\(result.errors)")
        let other = try use("reconstruct", "dfl", "--aligned")
        #expect(other.status == 1 && other.errors.contains("has this name"), "\(other.errors)")
        #expect(bytes(folder.file("photos/a-beside.png")) == photo)
    }

    /// A model file has both stages.
    @Test func exportsKeepTheStrength() throws {
        let file = folder.file("sr.safetensors")
        let exported = try Command.run("export", models.file("superres"), "--half", "--out", file)
        #expect(exported.status == 0, "\(exported.errors)")
        for strength in ["0", "0.5", "1"] {
            let made = try Command.run(
                "upscale", file, folder.file("photos"), "--strength", strength, "--out",
                folder.file("s" + strength))
            #expect(made.status == 0, "\(made.errors)")
        }
        #expect(bytes(folder.file("s0/a.png")) != bytes(folder.file("s1/a.png")))
    }
}
