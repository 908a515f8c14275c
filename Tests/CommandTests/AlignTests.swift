import FaceGAN
import Files
import Foundation
import TestSupport
import Testing

/// `facegan align` with rendered faces in place of photographs.
@Suite struct AlignTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func facegan(_ arguments: [String], weights: Bool = true) throws -> ProcessResult {
        let cache = folder.file("cache")
        if weights, let data = realData(), !FileManager.default.fileExists(atPath: cache) {
            try WeightsCache(folder: cache + "/weights").add(data + "/weights/yunet/yunet_n.pth")
        }
        return try Command.run(
            ["align"] + arguments, environment: ["FACEGAN_CACHE": cache], folder: folder.path)
    }

    /// A face of 200 pixels on a plain background.
    private func photo(_ name: String, faces: [Int] = [9]) throws {
        var picture = Picture(width: 60 + 260 * faces.count, height: 320, channels: 3, filledWith: 150)
        for (i, face) in faces.enumerated() {
            let side = 240 - 60 * i
            picture.paste(BuiltInFaces(seed: 1).face(face, size: side).picture, x: 30 + 260 * i, y: 40)
        }
        try folder.write(PictureEncoder.png(picture), to: name)
    }

    private func picture(_ name: String) throws -> Picture {
        try PictureDecoder.decode(bytes(folder.file(name))).picture
    }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.file(name)) }

    @Test func missingWeightsAreNamed() throws {
        try photo("a.png")
        let result = try facegan(["a.png", "--out", "out"], weights: false)
        #expect(result.status == 1)
        #expect(result.errors.contains("yunet") && result.errors.contains("facegan weights get yunet"))
        #expect(!exists("out"))
    }

    @Test func wrongUsageIsExplained() throws {
        try photo("a.png")
        #expect(try facegan(["a.png"]).status == 64)
        #expect(try facegan(["a.png", "--out", "o", "--side", "3"]).errors.contains("--side: expected 8"))
        #expect(try facegan(["a.png", "--out", "o", "--faces", "some"]).status == 64)
        #expect(try facegan(["a.png", "--out", "o", "--run", "r", "--protocol", "lfw64-160"]).status == 64)
        #expect(try facegan(["b.png", "--out", "o"]).errors.contains("b.png: no such photograph"))
        #expect(try facegan(["a.png", "--out", "o", "--protocol", "celebs"]).errors.contains("celebs"))
        #expect(
            try facegan(["a.png", "--out", "o", "--run", "r"]).errors.contains("r: no such run or model"))
    }

    @Test func nothingIsReplacedUnasked() throws {
        try photo("a.png")
        let result = try facegan(["a.png", "--out", "."])
        #expect(result.status == 1 && result.errors.contains("would replace a photograph"))
        try folder.write("mine", to: "out/a.png")
        let there = try facegan(["a.png", "--out", "out"])
        #expect(there.status == 1 && there.errors.contains("out/a.png exists already"))
        #expect(bytes(folder.file("out/a.png")) == Array("mine".utf8))
    }

    @Test(.enabled(if: realData() != nil)) func facesAreCutOut() throws {
        try photo("photos/a.png")
        try photo("photos/more/b.png", faces: [4, 9])
        let done = try facegan([
            "photos", "--protocol", "faces64", "--faces", "all", "--json", "--check", "--out", "out/",
        ])
        #expect(done.status == 0, "\(done.errors)")
        #expect(done.output.contains("Wrote 3 faces of 2 photographs to out/, 64x64 under faces64"))
        for name in ["a-1.png", "more/b-1.png", "more/b-2.png"] {
            let cut = try picture("out/" + name)
            #expect(cut.width == 64 && cut.height == 64)
            #expect(Provenance.read(bytes(folder.file("out/" + name))) == nil)
        }
        #expect(try picture("out/more/b-check.png").width == 1160)
        let json = try JSONSerialization.jsonObject(with: Data(bytes(folder.file("out/more/b.json"))))
        let record = try #require(json as? [String: Any])
        #expect(record["dataProtocol"] as? String == "faces64" && record["side"] as? Int == 64)
        let faces = try #require(record["faces"] as? [[String: Any]])
        #expect(faces.map { $0["file"] as? String } == ["b-1.png", "b-2.png"])
        // The frame of the rendered face is that of the protocol.
        let rows = try #require(faces[0]["transform"] as? [[Double]])
        #expect(abs(rows[0][0] - 64.0 / 240) < 0.06 && abs(rows[0][1]) < 0.05)
        // Another side, one face, and a repeated call.
        let one = [
            "photos/a.png", "--protocol", "faces64", "--side", "100", "--faces", "one", "--out", "one",
        ]
        #expect(try facegan(one).status == 0)
        #expect(try picture("one/a.png").width == 100)
        #expect(try facegan(one).status == 1)
        #expect(try facegan(one + ["--overwrite"]).status == 0)
        let largest = try facegan(["photos", "--out", "largest"])
        #expect(largest.output.contains("1 photograph had several faces; the largest was used"))
    }

    /// Photographs that fail are reported; the others are processed.
    @Test(.enabled(if: realData() != nil)) func failuresAreNamed() throws {
        try photo("photos/good.png")
        try photo("photos/two.png", faces: [4, 9])
        let wall = Picture(width: 300, height: 200, channels: 3, filledWith: 150)
        try folder.write(PictureEncoder.png(wall), to: "photos/wall.png")
        try folder.write("no picture", to: "photos/broken.jpg")
        let result = try facegan(["photos", "--faces", "one", "--check", "--out", "out"])
        #expect(result.status == 1)
        #expect(result.output.contains("Wrote 1 face of 1 photograph to out/"), "\(result.output)")
        #expect(result.output.contains("3 photographs failed"))
        let errors = result.errors
        #expect(errors.contains("photos/two.png: 2 faces were found (") && errors.contains("--faces largest"))
        #expect(errors.contains("photos/wall.png: no face was found"))
        #expect(errors.contains("photos/broken.jpg: not a picture of a known format"))
        #expect(exists("out/good.png") && !exists("out/two.png") && exists("out/wall-check.png"))
        let small = try facegan(["photos/good.png", "--min-face", "1000", "--out", "small"])
        #expect(small.status == 1 && small.errors.contains("less than the minimum of 1000"))
        #expect(small.errors.contains("--min-face"))
    }

    /// A crop of a generated picture keeps its mark; a run sets the protocol.
    @Test(.enabled(if: realData() != nil)) func marksStay() throws {
        try photo("plain.png")
        let origin = Origin(software: "Test", model: "m", fields: [("seed", "5")])
        let marked = try SyntheticImage(picture: picture("plain.png"), origin: origin).png()
        try folder.write(marked, to: "marked.png")
        let run = try TinyRun.shared.get()
        let done = try facegan(["marked.png", "--run", run.path, "--out", "out"])
        #expect(done.status == 0 && done.output.contains("16x16 under faces16"), "\(done.errors)")
        #expect(Provenance.read(bytes(folder.file("out/marked.png"))) == origin)
    }
}
