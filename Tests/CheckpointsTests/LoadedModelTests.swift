import Checkpoints
import Foundation
import ModelTestSupport
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct LoadedModelTests {
    /// Message of the error of loading.
    private func complaint(_ source: String) -> String {
        do {
            _ = try GeneratorModel(source)
            return "nothing"
        } catch {
            return "\(error)"
        }
    }

    @Test func averagesAreUsedUnlessRawIsAskedFor() throws {
        let fixture = try ModelFixture.tiny()
        let average = try GeneratorModel(fixture.path)
        let raw = try GeneratorModel(fixture.path, weights: .raw)
        #expect(average.weights == .average && raw.weights == .raw)
        #expect(average.clock.images == 640)
        let faces = [average, raw].map { model in
            withoutGradients { model.generator(model.sampler.sample(seeds: [1])).floats() }
        }
        #expect(faces[0] != faces[1])
        // A file without an average has raw weights, and `weights` says so.
        let plain = try ModelFixture.tiny(average: false)
        #expect(try GeneratorModel(plain.path).weights == .raw)
    }

    @Test func runsAreFoundByTheirFolder() throws {
        let fixture = try ModelFixture.tiny()
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
        let text = try folder.write("A text that is longer than a header.", to: "notes.safetensors")
        #expect(complaint(text).hasPrefix(text))
        // A sound safetensors file of another program: the message names `facegan import`.
        let foreign = folder.file("foreign.safetensors")
        try TensorFile.write(
            foreign, tensors: [("weight", Tensor.zeros([2, 2]))], metadata: ["format": "pt"])
        #expect(complaint(foreign).contains("not a model"))
        #expect(complaint(foreign).contains("facegan import"))
    }

    @Test func damageIsFound() throws {
        let fixture = try ModelFixture.tiny()
        var bytes = [UInt8](FileManager.default.contents(atPath: fixture.path)!)
        bytes[bytes.count - 100] ^= 1
        let flipped = try fixture.folder.write(bytes, to: "flipped.safetensors")
        #expect(complaint(flipped).hasPrefix(flipped))
        #expect(complaint(flipped).contains("checksum"), "\(complaint(flipped))")
        let cut = try fixture.folder.write(Array(bytes.dropLast(1000)), to: "cut.safetensors")
        #expect(complaint(cut).hasPrefix(cut))
    }

    /// Weights that do not fit the recipe in the file: the message lists every key.
    @Test func foreignWeightsAreReported() throws {
        let fixture = try ModelFixture.tiny()
        var checkpoint = try Checkpoint(path: fixture.path)
        checkpoint.tensors.removeAll { $0.key == "average.main.1.bias" }
        checkpoint.add("average", [("main.99.weight", Tensor.zeros([1]))])
        try checkpoint.write(to: fixture.path)
        let text = complaint(fixture.path)
        #expect(text.hasPrefix(fixture.path))
        #expect(text.contains("main.1.bias") && text.contains("main.99.weight"), "\(text)")
    }

    /// Small networks of every system.
    private static let kinds: [(recipe: String, overrides: [String])] = [
        ("dcgan", ["resolution=16", "generator.filters=4", "generator.latent.size=6"]),
        ("superres", ["restorer.filters=4", "restorer.blocks=1"]),
        (
            "convert",
            ["resolution=64", "converter.filters=4", "converter.maxFilters=8", "converter.levels=3"]
        ),
        ("attributes", ["network.width=4", "network.depth=1"]),
    ]

    /// The recipe in a file selects the type of the model; the other types refuse the file and say why.
    @Test(arguments: 0..<4)
    func everyKindIsLoadedByItsRecipe(index: Int) throws {
        let (recipe, overrides) = Self.kinds[index]
        let fixture = try ModelFixture(recipe, overrides, facts: ["attributes": "Smiling Male"])
        let model = try ModelFile(fixture.path).load()
        #expect(model.recipe.name == recipe && model.weights == .average && model.clock.images == 640)
        #expect(!model.module.isTraining && !model.digest.isEmpty && model.path == fixture.path)
        let loaders: [(any LoadedModel.Type, advice: String)] = [
            (GeneratorModel.self, "does not generate faces from seeds"),
            (RestorationModel.self, "--recipe superres"), (ConversionModel.self, "--recipe convert"),
            (AttributeModel.self, "--recipe attributes"),
        ]
        for (position, loader) in loaders.enumerated() {
            func load(_ kind: (some LoadedModel).Type) -> Result<Void, any Error> {
                Result { _ = try kind.init(fixture.path) }
            }
            switch load(loader.0) {
            case .success: #expect(position == index)
            case .failure(let error):
                #expect(position != index)
                #expect("\(error)".contains(loader.advice) && "\(error)".hasPrefix(fixture.path), "\(error)")
            }
        }
    }

    /// The exported file has the weights that are used for inference, in half precision on request.
    @Test func exportsHoldOneSetOfWeights() throws {
        let fixture = try ModelFixture.tiny()
        let average = try GeneratorModel(fixture.path)
        for (weights, half) in [(ModelWeights.average, false), (.raw, false), (.average, true)] {
            let exported = try ModelExport.checkpoint(of: fixture.path, weights: weights, half: half)
            let sections = Set(exported.tensors.map { String($0.key.prefix { $0 != "." }) })
            #expect(sections == [weights == .average ? "average" : "generator"])
            #expect(exported.tensors.allSatisfy { !half || $0.tensor.dtype != .float32 })
            let path = fixture.folder.file("exported.safetensors")
            try exported.write(to: path)
            let model = try GeneratorModel(path, weights: weights)
            let reference = weights == .average ? average : try GeneratorModel(fixture.path, weights: weights)
            for (own, other) in zip(model.module.state, reference.module.state) {
                #expect(own.key == other.key)
                let difference = (own.tensor.to(.float32) - other.tensor.to(.float32)).abs().max().item()
                // float16 has 11 significant bits.
                let limit = half ? other.tensor.to(.float32).abs().max().item() / 2048 : 0
                #expect(difference <= limit, "\(own.key)")
            }
        }
    }
}
