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

    /// The message for weights of another size names the setting to change.
    @Test func anotherSizeIsExplained() throws {
        let result = try take("netG.pth")
        #expect(result.status == 1)
        #expect(result.output.contains("--set generator.filters="), "\(result.output)")
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
