import Checkpoints
import Files
import Foundation
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN

/// StyleGAN2 weights of NVlabs' and rosinality's programs, from Tests/Goldens/make_stylegan2_files.py.
@Suite struct StyleGAN2ImportTests {
    private func file(_ name: String) -> String { goldens("Import/" + name) }

    @Test(arguments: [
        "stylegan2-protocol3.pkl", "stylegan2-protocol4.pkl", "stylegan2-rosinality.pt",
        "stylegan2-official.safetensors",
    ])
    func networksEqualPyTorch(name: String) throws {
        let read = try TensorFile.read(file("expected-stylegan2.safetensors")).tensors
        let golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        // The recipe has other sizes.
        let recipes = try ["dcgan", "stylegan2"].map { try Recipe.load($0) }
        let found = try PyTorchImport(path: file(name), recipes: recipes)
        let checkpoint = try #require(found.checkpoint, "\(found.report.joined(separator: "\n"))")
        #expect(found.recipe.name == "stylegan2" && found.recipe.resolution == 16)
        let settings = found.recipe.adversarial
        let sizes = settings.generator[StyleGAN2Settings.self]
        #expect(sizes.channelBase == 128 && sizes.maxFilters == 12)
        #expect(sizes.wSize == 10 && sizes.mappingLayers == 2 && settings.generator.latent.size == 6)

        let folder = try TemporaryFolder()
        let path = folder.file("model.safetensors")
        try checkpoint.write(to: path)
        let model = try GeneratorModel(path)
        let images = try withoutGradients { model.generator(Latents(try #require(golden["latents"]))) }
        #expect((images - (try #require(golden["pictures"]))).abs().max().item() < 2e-5)
        let style = try #require(model.generator as? StyleGAN2Generator)
        #expect((style.averageW.value - (try #require(golden["w_avg"]))).abs().max().item() == 0)

        guard name != "stylegan2-official.safetensors" else { return }
        let discriminator = settings.makeDiscriminator(resolution: 16, random: RandomSource(seed: 0))
        try discriminator.load(checkpoint.section("discriminator"))
        let logits = withoutGradients { discriminator(golden["input"]!) }
        #expect((logits - (try #require(golden["logits"]))).abs().max().item() < 2e-5)
    }

    /// A file with classes: both networks, and the class of a face by its index.
    @Test func conditionalNetworksEqualPyTorch() throws {
        let read = try TensorFile.read(file("expected-stylegan2-conditional.safetensors")).tensors
        let golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        let recipes = try ["dcgan", "stylegan2"].map { try Recipe.load($0) }
        let found = try PyTorchImport(path: file("stylegan2-conditional.pkl"), recipes: recipes)
        let checkpoint = try #require(found.checkpoint, "\(found.report.joined(separator: "\n"))")
        let settings = found.recipe.adversarial
        #expect(settings.conditions.attributes == ["0", "1", "2"] && settings.conditions.exclusive)
        let sizes = settings.discriminator[StyleGAN2Settings.self]
        #expect(sizes.wSize == 7 && sizes.mappingLayers == 3)
        #expect(settings.generator[StyleGAN2Settings.self].wSize == 10)
        #expect(found.report.contains { $0.contains("conditions.attributes 0 to 2") }, "\(found.report)")
        #expect(found.report.contains { $0.hasPrefix("discriminator of stylegan2") }, "\(found.report)")

        let folder = try TemporaryFolder()
        let path = folder.file("model.safetensors")
        try checkpoint.write(to: path)
        var model = try GeneratorModel(path)
        let (z, labels) = (try #require(golden["latents"]), try #require(golden["labels"]))
        let images = withoutGradients { model.generator(Latents(z, labels: labels)) }
        #expect((images - (try #require(golden["pictures"]))).abs().max().item() < 2e-5)
        let discriminator = settings.makeDiscriminator(resolution: 16, random: RandomSource(seed: 0))
        try discriminator.load(checkpoint.section("discriminator"))
        let logits = try withoutGradients {
            discriminator(try #require(golden["input"]), labels: labels).logits
        }
        #expect((logits - (try #require(golden["logits"]))).abs().max().item() < 2e-5)

        // Without a request, faces have any class; a request gives one to all.
        let free = try #require(model.sampler.sample(seeds: Array(0..<60)).labels)
        #expect(free.sum([1]).floats().allSatisfy { $0 == 1 } && free.sum([0]).floats().allSatisfy { $0 > 5 })
        try model.request([("2", true)])
        let chosen = try #require(model.sampler.sample(seeds: [1, 2]).labels)
        #expect(chosen.floats() == [0, 0, 1, 0, 0, 1])
        for wanted in [[("0", true), ("1", true)], [("0", false)], [("3", true)]] {
            #expect(throws: CheckpointError.self) { try model.request(wanted) }
        }
    }

    /// The report says that the state of optimizers is left out.
    @Test func stateOfOptimizersIsReported() throws {
        for (name, isThere) in [("stylegan2-rosinality.pt", true), ("stylegan2-protocol4.pkl", false)] {
            let found = try PyTorchImport(path: file(name), recipe: Recipe.load("stylegan2"))
            #expect(found.checkpoint != nil)
            #expect(
                found.report.contains {
                    $0.hasPrefix("note: the state of the optimizers (g_optim, d_optim) is left out")
                } == isThere, "\(found.report)")
        }
    }

    /// Without a mean of w, the mean of many values is used.
    @Test func aMissingAverageIsEstimated() throws {
        let read = try TensorFile.read(file("stylegan2-official.safetensors")).tensors
        let folder = try TemporaryFolder()
        let path = folder.file("weights.safetensors")
        try TensorFile.write(
            path, tensors: read.filter { $0.name != "mapping.w_avg" }.map { ($0.name, $0.tensor) })
        let found = try PyTorchImport(path: path, recipe: Recipe.load("stylegan2"))
        let checkpoint = try #require(found.checkpoint, "\(found.report.joined(separator: "\n"))")
        let average = try #require(
            checkpoint.section("generator").first { $0.key == "mapping.w_avg" }?.tensor)
        let style = try #require(
            found.recipe.adversarial.makeGenerator(resolution: 16, random: RandomSource(seed: 1))
                as? StyleGAN2Generator)
        try style.load(checkpoint.section("generator"))
        style.train(false)
        let w = withoutGradients {
            style.map(LatentSampler(LatentSpace(size: 6)).sample(seeds: Array(100..<4100)))
        }
        let mean = w.select(1, 0).mean([0])
        #expect((average - mean).abs().max().item() < 0.1 && mean.abs().max().item() > 0.2)
    }

    /// Other objects than those of the two programs are refused by their names.
    @Test func otherObjectsAreRefused() throws {
        let folder = try TemporaryFolder()
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file("stylegan2-protocol3.pkl"))))
        let name = Array("ctorch_utils.persistence\n_reconstruct".utf8)
        let other = Array("ctorch_utils.persistencf\n_reconstruct".utf8)
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
        bytes.replaceSubrange(start..<start + name.count, with: other)
        let path = folder.file("evil.pkl")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: FileError.self) { try PyTorchFile(path: path) }
        #expect("\(error!)".contains("torch_utils.persistencf._reconstruct_persistent_obj"))
    }

    /// Truncated and changed files give errors and do not trap.
    @Test func damagedFilesAreRefused() throws {
        let folder = try TemporaryFolder()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file("stylegan2-protocol4.pkl"))))
        let path = folder.file("damaged.pkl")
        var refused = 0
        for step in 0..<400 {
            var changed = bytes
            if step.isMultiple(of: 2) {
                changed.removeLast(1 + step * 343 % (bytes.count - 1))
            } else {
                changed[step * 6_151 % bytes.count] ^= UInt8(truncatingIfNeeded: 1 + step * 7)
            }
            try Data(changed).write(to: URL(fileURLWithPath: path))
            do { _ = try PyTorchFile(path: path) } catch { refused += 1 }
        }
        // Every truncation is refused; a changed byte may be in an element of a tensor.
        #expect(refused >= 200)
    }
}
