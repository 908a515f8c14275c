import FaceGAN
import Foundation
import TestSupport
import Testing

/// State dictionaries of PyTorch, from Tests/Goldens/make_command.py.
@Suite struct ImportTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static let sizes = ["resolution=16", "generator.filters=8", "generator.latent.size=10"].flatMap {
        ["--set", $0]
    }

    private func take(_ name: String, _ more: String...) throws -> ProcessResult {
        try Command.run(
            ["import", goldens("Command/" + name), "--recipe", "dcgan", "--out", "model.safetensors"] + more,
            folder: folder.path)
    }

    /// Faces of an imported generator equal those of PyTorch for the same seeds.
    @Test(arguments: ["netG.pth", "netG-parallel.pth"])
    func drawsPyTorchsFaces(name: String) throws {
        let taken = try Command.run(
            ["import", goldens("Command/" + name), "--out", "model.safetensors"] + Self.sizes,
            folder: folder.path)
        #expect(taken.status == 0, "\(taken.errors)")
        #expect(taken.output.contains("0 missing, 0 unexpected, 0 of another shape"), "\(taken.output)")

        let drawn = try Command.run(
            "generate", "model.safetensors", "--seeds", "0-2,100", "--out", "faces/", "--precision", "fp32",
            folder: folder.path)
        #expect(drawn.status == 0, "\(drawn.errors)")
        #expect(drawn.output.contains("imported, raw weights"), "\(drawn.output)")
        let expected = try PictureDecoder.decode(bytes(goldens("Command/faces.png"))).picture
        for (index, seed) in ["000000", "000001", "000002", "000100"].enumerated() {
            let face = try PictureDecoder.decode(bytes(folder.file("faces/seed-\(seed).png"))).picture
            let golden = try expected.cropped(x: index * 16, y: 0, width: 16, height: 16)
            let worst = zip(face.pixels, golden.pixels).map { abs(Int($0) - Int($1)) }.max()
            #expect(worst! <= 1, "seed \(seed) differs by \(worst!) levels")
        }
    }

    @Test func whatDoesNotFitIsReported() throws {
        let result = try Command.run(
            [
                "import", goldens("Command/netG-wrong.pth"), "--out", "model.safetensors", "--network",
                "generator",
            ]
                + Self.sizes, folder: folder.path)
        #expect(result.status == 1)
        #expect(result.output.contains("1 missing, 1 unexpected, 1 of another shape"), "\(result.output)")
        for key in ["main.1.running_mean", "main.9.weight", "main.6.weight"] {
            #expect(result.output.contains(key), "\(result.output)")
        }
        #expect(result.output.contains("[8, 1, 4, 4]") && result.output.contains("[8, 3, 4, 4]"))
        #expect(try folder.contents() == [], "a model that does not fit was written")
    }

    /// Sizes are read from the file.
    @Test func sizesAreReadAndShown() throws {
        let result = try take("netG.pth")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("resolution 16, generator.latent.size 10, generator.filters 8"))
        // Also the recipe, if none is named.
        let found = try Command.run(
            "import", goldens("Command/netG.pth"), "--out", "other.safetensors", folder: folder.path)
        #expect(found.status == 0 && found.output.contains("generator of dcgan"), "\(found.output)")
    }

    /// A size of the command line that the file contradicts is named.
    @Test func contradictedSizesAreNamed() throws {
        let result = try take("netG.pth", "--set", "generator.filters=32", "resolution=16")
        #expect(result.status == 1)
        #expect(
            result.output.contains("The file has generator.filters 8. Omit --set generator.filters"),
            "\(result.output)")
        #expect(result.output.split(separator: "\n").count <= 24)
        #expect(try folder.contents() == [])
    }

    /// The recipe that fits is named.
    @Test func anotherRecipeIsSuggested() throws {
        let result = try Command.run(
            "import", goldens("Command/netG.pth"), "--recipe", "wgan-gp", "--out", "model.safetensors",
            folder: folder.path)
        #expect(result.status == 1)
        #expect(result.output.contains("Use --recipe dcgan."), "\(result.output)")
        #expect(result.output.split(separator: "\n").count <= 24)
    }

    /// Both networks and the average of a checkpoint in one model file.
    @Test func checkpointsOfTrainingsAreImported() throws {
        let result = try Command.run(
            "import", goldens("Import/ema.pth"), "--out", "model.safetensors", folder: folder.path)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(
            result.output.contains("generator of dcgan") && result.output.contains("discriminator of dcgan"))
        let drawn = try Command.run(
            "generate", "model.safetensors", "--seeds", "0", "--out", "a.png", folder: folder.path)
        #expect(
            drawn.status == 0 && drawn.output.contains("averaged weights"), "\(drawn.output)\(drawn.errors)")
        // Training continues with both networks.
        let trained = try Command.run(
            "train", "--from", "model.safetensors", "--data", "builtin:16", "--steps", "1", "--set",
            "batchSize=8",
            "--out", "run", folder: folder.path)
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(!trained.errors.contains("random"), "\(trained.errors)")
    }

    private static let photo = goldens("Command/faces.png")

    /// Commands that need a model name the command that makes one.
    @Test(arguments: [
        ["generate"], ["evaluate"], ["export", "--out", "x"],
        ["train", "--data", "builtin:8", "--out", "run", "--from"],
        ["upscale", Self.photo, "--out", "x"], ["evaluate", "builtin:16", "--against"],
        ["align", Self.photo, "--out", "x", "--run"],
    ])
    func pyTorchFilesInOtherCommands(arguments: [String]) throws {
        let path = goldens("Command/netG.pth")
        let isLast = ["--from", "--against", "--run"].contains(arguments.last)
        let result = try Command.run(
            isLast ? arguments + [path] : [arguments[0], path] + arguments.dropFirst(), folder: folder.path)
        #expect(result.status == 1)
        #expect(result.errors.contains("facegan import \(path)"), "\(result.errors)")
        #expect(try folder.contents() == [])
    }

    @Test func filesOfStrangersRunNoCode() throws {
        // A pickle that calls os.system when it is executed.
        let pickle = Array(
            "\u{80}\u{2}cos\nsystem\n(X\u{5}\0\0\0touch\u{85}R.".unicodeScalars.map { UInt8($0.value) })
        let path = try folder.write(pickle, to: "evil.pth")
        let result = try Command.run("import", path, "--out", "model.safetensors", folder: folder.path)
        #expect(result.status == 1)
        #expect(result.errors.contains("evil.pth"), "\(result.errors)")
        #expect(try folder.contents() == ["evil.pth"])
    }
}
