import Files
import Foundation
import TestSupport
import Testing

/// `facegan weights`.
@Suite struct WeightsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func facegan(_ arguments: String...) throws -> ProcessResult {
        try Command.run(["weights"] + arguments, environment: ["FACEGAN_CACHE": folder.file("cache")])
    }

    /// Heads of LPIPS on SqueezeNet with other values, recognized by keys and shapes.
    private func heads(_ name: String, last: Int = 512) throws -> String {
        let entries = [64, 128, 256, 384, 384, 512, last].enumerated().map { index, channels in
            SafetensorsWriter.Entry(
                name: "lin\(index).model.1.weight", dtype: .f32, shape: [1, channels, 1, 1],
                bytes: [UInt8](repeating: 0, count: 4 * channels))
        }
        try SafetensorsWriter.write(path: folder.file(name), entries: entries)
        return folder.file(name)
    }

    @Test func listsAnEmptyCache() throws {
        let listed = try facegan("list")
        #expect(listed.status == 0, "\(listed.errors)")
        for part in [
            "inception", "vgg16", "lpips-squeeze", "mobilefacenet", "yunet", "Apache-2.0", "weights add",
        ] {
            #expect(listed.output.contains(part), "\(listed.output)")
        }
        #expect(!listed.output.contains("yes"))
        #expect(try facegan("list", "--paths").output == "")
        #expect(try folder.contents() == [])
    }

    @Test func anAddedFileIsFoundAgain() throws {
        let file = try heads("mine.safetensors")
        let added = try facegan("add", file)
        #expect(added.status == 0, "\(added.errors)")
        #expect(added.output.contains("lpips-squeeze: kept"))
        let sum = try Digest.sha256(file: file)
        let listed = try facegan("list", "--paths")
        #expect(listed.output == "lpips-squeeze\t\(sum)\t\(folder.file("cache"))/weights/\(sum)\n")
        #expect(try facegan("list").output.contains("yes"))
        #expect(try facegan("get", "lpips-squeeze").output.contains("already present"))
    }

    @Test func unknownFilesAndKeysAreRefused() throws {
        let wrong = try facegan("add", try heads("wrong.safetensors", last: 500))
        #expect(wrong.status == 1)
        #expect(wrong.errors.contains("unknown weights") && wrong.errors.contains("lpips-squeeze"))
        let key = try facegan("get", "vgg-16")
        #expect(key.status == 1)
        #expect(key.errors.contains("Did you mean `vgg16`?"))
        let brought = try facegan("get", "squeezenet-caffe")
        #expect(brought.errors.contains("facegan weights add squeezenet1_1_torchvision_names.pth --as"))
        #expect(try facegan("add", folder.file("nothing.pth")).errors.contains("nothing.pth"))
        #expect(try facegan("get", "vgg16", "alexnet", "--url", "http://127.0.0.1/x").status == 64)
    }

    /// Interrupted downloads are resumed; the cache has the file and its record only.
    @Test(.enabled(if: FlakyServer.canRun), arguments: ["whole", "drops", "moved"])
    func fetchesAndKeeps(how: String) throws {
        let file = try heads("served.safetensors")
        let sum = try Digest.sha256(file: file)
        let server = try FlakyServer(file: file)
        let address = "\(server.address)/\(how)/squeeze.pth"
        let got = try facegan("get", "lpips-squeeze", "--url", address, "--sha256", sum)
        #expect(got.status == 0, "\(got.errors)")
        #expect(got.output.contains("lpips-squeeze: downloaded") && got.output.contains(sum))
        let kept = try FileManager.default.contentsOfDirectory(atPath: folder.file("cache/weights")).sorted()
        #expect(kept == [sum, "lpips-squeeze.json"].sorted())
    }

    @Test(.enabled(if: FlakyServer.canRun)) func aWrongFileIsNotKept() throws {
        let server = try FlakyServer(file: try heads("served.safetensors"))
        let address = server.address + "/whole/squeeze.pth"
        // The published checksum differs.
        let published = try facegan("get", "lpips-squeeze", "--url", address)
        #expect(published.status == 1)
        #expect(published.errors.contains("SHA-256") && published.errors.contains("4a5350f2"))
        let sum = try Digest.sha256(file: folder.file("served.safetensors"))
        let other = try facegan("get", "vgg16", "--url", address, "--sha256", sum)
        #expect(other.status == 1)
        #expect(other.errors.contains("not the weights vgg16"))
        let page = try facegan("get", "yunet", "--url", server.address + "/page/yunet.pth")
        #expect(page.errors.contains("web page") && page.errors.contains("facegan weights add"))
        #expect(try facegan("list", "--paths").output == "")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("cache/weights")) == [])
    }
}
