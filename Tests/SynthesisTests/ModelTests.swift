import Checkpoints
import Foundation
import Provenance
import Recipes
import Synthesis
import TestSupport
import Testing
import Torch

@Suite struct ModelTests {
    /// What loading says when it fails.
    private func complaint(_ source: String) -> String {
        do {
            _ = try GeneratorModel(source)
            return "nothing"
        } catch {
            return "\(error)"
        }
    }

    @Test func averagesAreUsedUnlessRawIsAskedFor() throws {
        let fixture = try Fixture.tiny()
        let average = try GeneratorModel(fixture.path)
        let raw = try GeneratorModel(fixture.path, weights: .raw)
        #expect(average.weights == .average && raw.weights == .raw)
        #expect(average.clock.images == 640)
        let faces = [average, raw].map { FaceSampler($0).faces(seeds: [1])[0].picture }
        #expect(faces[0] != faces[1])
        // A file without an average has raw weights, and says so.
        let plain = try Fixture.tiny(average: false)
        #expect(try GeneratorModel(plain.path).weights == .raw)
    }

    @Test func runsAreFoundByTheirFolder() throws {
        let fixture = try Fixture.tiny()
        let run = try TemporaryFolder()
        #expect(complaint(run.path).contains("a folder without a trained state"))
        #expect(complaint(run.path).contains("checkpoints/last.safetensors"))
        let bytes = [UInt8](FileManager.default.contents(atPath: fixture.path)!)
        try run.write(bytes, to: "checkpoints/last.safetensors")
        #expect(try GeneratorModel(run.path).digest == GeneratorModel(fixture.path).digest)
    }

    @Test func missingFilesAreNamed() {
        #expect(complaint("no/such/model").contains("no/such/model: no such run or model"))
    }

    @Test func otherFilesAreToldApart() throws {
        let folder = try TemporaryFolder()
        let text = try folder.write("I am a text, and longer than a header.", to: "notes.safetensors")
        #expect(complaint(text).hasPrefix(text))
        // Sound, but somebody else's: what to do about it.
        let foreign = folder.file("foreign.safetensors")
        try TensorFile.write(
            foreign, tensors: [("weight", Tensor.zeros([2, 2]))], metadata: ["format": "pt"])
        #expect(complaint(foreign).contains("not a model"))
        #expect(complaint(foreign).contains("facegan import"))
    }

    @Test func damageIsFound() throws {
        let fixture = try Fixture.tiny()
        var bytes = [UInt8](FileManager.default.contents(atPath: fixture.path)!)
        bytes[bytes.count - 100] ^= 1
        let flipped = try fixture.folder.write(bytes, to: "flipped.safetensors")
        #expect(complaint(flipped).hasPrefix(flipped))
        #expect(complaint(flipped).contains("checksum"), "\(complaint(flipped))")
        let cut = try fixture.folder.write(Array(bytes.dropLast(1000)), to: "cut.safetensors")
        #expect(complaint(cut).hasPrefix(cut))
    }

    /// Weights of another network than the recipe inside says: every key that does not fit.
    @Test func foreignWeightsAreReported() throws {
        let fixture = try Fixture.tiny()
        var checkpoint = try Checkpoint(path: fixture.path)
        checkpoint.tensors.removeAll { $0.key == "average.main.1.bias" }
        checkpoint.add("average", [("main.99.weight", Tensor.zeros([1]))])
        try checkpoint.write(to: fixture.path)
        let text = complaint(fixture.path)
        #expect(text.hasPrefix(fixture.path))
        #expect(text.contains("main.1.bias") && text.contains("main.99.weight"), "\(text)")
    }
}
