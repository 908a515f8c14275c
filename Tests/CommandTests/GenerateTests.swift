import FaceGAN
import Foundation
import TestSupport
import Testing

@Suite struct GenerateTests {
    let run: TinyRun
    let folder: TemporaryFolder

    init() throws {
        run = try TinyRun.shared.get()
        folder = try TemporaryFolder()
    }

    private func generate(_ more: String...) throws -> ProcessResult {
        try Command.run(["generate", run.path] + more, folder: folder.path)
    }

    private func picture(_ name: String) throws -> Picture {
        try PictureDecoder.decode(bytes(folder.file(name))).picture
    }

    @Test func theSameSeedIsTheSameFace() throws {
        #expect(try generate("--seeds", "0-3,100", "--out", "a/").status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("a")).sorted()
        #expect(names == [0, 1, 2, 3, 100].map { String(format: "seed-%06d.png", $0) })
        // Alone, among others, in another order: the same bytes.
        _ = try generate("--seeds", "100,2", "--out", "b/")
        for name in ["seed-000100.png", "seed-000002.png"] {
            #expect(bytes(folder.file("a/" + name)) == bytes(folder.file("b/" + name)))
        }
        #expect(bytes(folder.file("a/seed-000000.png")) != bytes(folder.file("a/seed-000001.png")))
    }

    @Test func gridsHoldTheFaces() throws {
        let result = try generate("--seeds", "0-3,100", "--out", "grid.png", "--columns", "5")
        #expect(result.output.contains("Wrote grid.png: 5 faces"), "\(result.output)\(result.errors)")
        #expect(result.output.contains("dcgan, 32 images seen, averaged weights"))
        _ = try generate("--seeds", "100", "--out", "one.png")
        let grid = try picture("grid.png")
        let one = try picture("one.png")
        // A frame of 2 pixels around each face of 16.
        #expect(grid.width == 5 * 18 + 2 && grid.height == 20)
        #expect(
            try grid.cropped(x: 4 * 18 + 2, y: 2, width: 16, height: 16)
                == one.cropped(x: 2, y: 2, width: 16, height: 16))
        let again = try generate(
            "--seeds", "0-3,100", "--out", "again.png", "--columns", "5", "--batch", "16")
        #expect(again.status == 0)
        #expect(bytes(folder.file("grid.png")) == bytes(folder.file("again.png")))
    }

    @Test func everyFileSaysWhatItIs() throws {
        _ = try generate("--seeds", "7", "--out", "png/")
        _ = try generate("--seeds", "7", "--out", "jpeg/", "--format", "jpeg")
        _ = try generate("--count", "3", "--out", "grid.jpg")
        let digest = try GeneratorModel(run.path).digest
        for name in ["png/seed-000007.png", "jpeg/seed-000007.jpg", "grid.jpg"] {
            let origin = try #require(Provenance.read(bytes(folder.file(name))), "\(name) bears no mark")
            #expect(origin.source == .trainedAlgorithmicMedia)
            #expect(origin.model == digest)
            if name != "grid.jpg" { #expect(origin["seed"] == "7") }
        }
        #expect(PictureFormat.detect(bytes(folder.file("grid.jpg"))) == .jpeg)
        #expect(PictureFormat.detect(bytes(folder.file("jpeg/seed-000007.jpg"))) == .jpeg)
    }

    @Test func rawWeightsAreOthers() throws {
        _ = try generate("--seeds", "1", "--out", "usual.png")
        _ = try generate("--seeds", "1", "--out", "ema.png", "--ema")
        // After one step, the difference is below the resolution of bfloat16.
        _ = try generate("--seeds", "1", "--out", "exact.png", "--precision", "fp32")
        let raw = try generate("--seeds", "1", "--out", "raw.png", "--raw", "--precision", "fp32")
        #expect(raw.output.contains("raw weights"))
        #expect(bytes(folder.file("usual.png")) == bytes(folder.file("ema.png")))
        #expect(try picture("raw.png") != picture("exact.png"))
    }

    @Test func filmsAreAnimated() throws {
        let result = try generate("--seeds", "1-3", "--interpolate", "--frames", "2")
        #expect(result.output.contains("Wrote walk.png: 6 frames"), "\(result.output)\(result.errors)")
        let film = bytes(folder.file("walk.png"))
        // The chunk that makes a PNG an animation (acTL) holds the number of frames.
        let at = try #require(Data(film).range(of: Data("acTL".utf8))).upperBound
        #expect(film[at..<(at + 4)].elementsEqual([0, 0, 0, 6]))
        #expect(Provenance.read(film) != nil)
        let first = try PictureDecoder.decode(film).picture
        _ = try generate("--seeds", "1", "--out", "one/")
        #expect(try first.pixels == picture("one/seed-000001.png").pixels)
    }

    /// Latents of seeds in a file give the faces of the seeds.
    @Test func latentsAreSavedAndRead() throws {
        let saved = try generate("--seeds", "4,9", "--out", "seeds/", "--save-latents", "l.safetensors")
        #expect(saved.output.contains("Wrote l.safetensors: 2 latents in space z"), "\(saved.errors)")
        let read = try generate("--latents", "l.safetensors", "--out", "latents/")
        #expect(read.status == 0 && read.errors == "", "\(read.errors)")
        for (row, seed) in [4, 9].enumerated() {
            let own = "latents/latent-00000\(row).png"
            #expect(try picture(own) == picture("seeds/seed-00000\(seed).png"))
            #expect(Provenance.read(bytes(folder.file(own)))?["latent"] == "seed \(seed)")
        }
        let style = try generate("--seeds", "4", "--save-latents", "w.safetensors", "--space", "w")
        #expect(style.status == 1 && style.errors.contains("no spaces w and w+"), "\(style.errors)")
        let other = try generate("--latents", run.path + "/checkpoints/last.safetensors")
        #expect(other.status == 1 && other.errors.contains("no latents"), "\(other.errors)")
    }

    /// A name that contradicts the format, a film in a folder, an unknown format, contradicting options.
    @Test(arguments: [
        (["--out", "x.png", "--format", "jpeg"], "--format jpeg"), (["--out", "x.bmp"], ".png or .jpg"),
        (["--interpolate", "--out", "films/"], ".mp4"), (["--interpolate", "--seeds", "1"], "2 seeds"),
        (["--latents", "l.safetensors", "--seeds", "1"], "one of --seeds, --count and --latents"),
        (["--space", "w"], "--save-latents"),
        (["--seeds", "0-5000", "--out", "x.png"], "4,096"),
    ])
    func impossibleOutputsAreRefusedBeforeAnyWork(arguments: [String], says: String) throws {
        // The model is not opened.
        let result = try Command.run(["generate", "no-such-model"] + arguments, folder: folder.path)
        #expect(result.status == 64)
        #expect(result.errors.contains(says), "\(result.errors)")
        #expect(try folder.contents() == [])
    }

    @Test func aMissingFolderIsNamed() throws {
        let result = try generate("--seeds", "1", "--out", "no/such/faces.png")
        #expect(result.status == 1)
        #expect(result.errors.contains("no/such"), "\(result.errors)")
    }
}
