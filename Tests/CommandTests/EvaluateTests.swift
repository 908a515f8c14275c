import FaceGAN
import Foundation
import TestSupport
import Testing

@Suite struct EvaluateTests {
    let run: TinyRun
    let folder: TemporaryFolder

    init() throws {
        run = try TinyRun.shared.get()
        folder = try TemporaryFolder()
    }

    private func evaluate(_ arguments: String...) throws -> ProcessResult {
        try Command.run(["evaluate"] + arguments, folder: folder.path)
    }

    @Test func aRunIsComparedWithWhatItLearntFrom() throws {
        let result = try evaluate(run.path, "--count", "40", "--json", "a.json", "--html", "a.html")
        #expect(result.status == 0, "\(result.errors)")
        for name in ["fd-face", "kd-face", "precision-face", "coverage-face", "swd", "copied-face"] {
            #expect(result.output.contains(name), "\(name) in \(result.output)")
        }
        #expect(result.output.contains("against builtin:32") && result.output.contains("seeds 0-39"))
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(bytes(folder.file("a.json")))) as? [String: Any])
        #expect((json["scores"] as? [Any])?.count == 10)
        let page = String(decoding: bytes(folder.file("a.html")), as: UTF8.self)
        #expect(
            page.contains("<img src=\"data:image/png;base64,")
                && page.contains("trainedAlgorithmicMedia") == false)
    }

    /// Files of faces and their model have equal scores.
    @Test func filesHaveTheScoresOfTheirModel() throws {
        #expect(
            try Command.run(
                ["generate", run.path, "--count", "24", "--out", "faces/", "--precision", "fp32"],
                folder: folder.path
            ).status == 0)
        let store = try Command.run(
            ["data", "prepare", "builtin:64@9", "--protocol", "faces16", "--out", "b.faces"],
            folder: folder.path)
        #expect(store.status == 0, "\(store.errors)")
        for (name, out) in [(run.path, "model.json"), ("faces", "files.json")] {
            let result = try evaluate(
                name, "--count", "24", "--against", "b.faces", "--metrics", "fd-face,swd", "--json", out)
            #expect(result.status == 0, "\(result.errors)")
        }
        func scores(_ file: String) throws -> [Double] {
            let json = try #require(
                JSONSerialization.jsonObject(with: Data(bytes(folder.file(file)))) as? [String: Any])
            return try #require(json["scores"] as? [[String: Any]]).compactMap { $0["value"] as? Double }
        }
        let (model, files) = (try scores("model.json"), try scores("files.json"))
        #expect(model.count == 2 && files.count == 2)
        for (a, b) in zip(model, files) { #expect(abs(a - b) < 1e-4 * abs(a), "\(model) \(files)") }
    }

    @Test func differentProtocolsAreRefused() throws {
        _ = try Command.run(
            ["data", "prepare", "builtin:20", "--protocol", "faces32", "--out", "b.faces"],
            folder: folder.path)
        let result = try evaluate(run.path, "--count", "20", "--against", "b.faces")
        #expect(result.status != 0)
        #expect(
            result.errors.contains("different data protocols") && result.errors.contains("faces32"),
            "\(result.errors)")
    }

    @Test func wrongNamesSayWhatThereIs() throws {
        let metric = try evaluate(run.path, "--metrics", "fd-fase")
        #expect(metric.status != 0 && metric.errors.contains("fd-face"), "\(metric.errors)")
        let nothing = try evaluate("nowhere")
        #expect(nothing.status != 0 && nothing.errors.contains("nowhere"))
        let alone = try evaluate("builtin:20", "--metrics", "fd-face")
        #expect(alone.status != 0 && alone.errors.contains("--against"), "\(alone.errors)")
    }

    @Test func aFaceNetworkCanBeExportedAndUsed() throws {
        let trained = try Command.run(
            [
                "train", "--recipe", "attributes", "--data", "builtin:64", "--out", "net", "--steps", "3",
                "--set",
                "resolution=16", "--set", "network.width=4", "--set", "batchSize=8", "--set",
                "training.scoreKimg=0.008",
            ], folder: folder.path)
        #expect(trained.status == 0 && trained.errors.contains("accuracy (%)"), "\(trained.errors)")
        #expect(trained.errors.contains("facegan export net"))
        let out = try Command.run(
            ["export", "net", "--half", "--out", "face.safetensors"], folder: folder.path)
        #expect(out.status == 0, "\(out.errors)")
        #expect(
            2 * bytes(folder.file("face.safetensors")).count
                < bytes(folder.file("net/checkpoints/last.safetensors")).count)
        let labeled = try evaluate(
            "builtin:40", "--against", "builtin:50@3", "--face", "face.safetensors", "--metrics",
            "attributes,fd-face")
        #expect(labeled.status == 0, "\(labeled.errors)")
        #expect(labeled.output.contains("largest differences of attributes"))
        let generated = try Command.run(
            ["generate", "face.safetensors", "--out", "x.png"], folder: folder.path)
        #expect(generated.status != 0 && generated.errors.contains("does not generate faces"))
    }
}
