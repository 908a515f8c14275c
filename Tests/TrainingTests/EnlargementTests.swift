import Checkpoints
import Datasets
import Foundation
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// Runs of StyleGAN2 that start from networks for smaller pictures.
@Suite struct EnlargementTests {
    private let small: TinyRun
    private let large: TinyRun
    private static let fade = "enlargement.fadeKimg=0.04"

    init() throws {
        (small, large) = (try TinyRun(), try TinyRun(side: 32))
        try small.train("small", recipe(16), steps: 3)
    }

    private func recipe(_ resolution: Int, _ overrides: [String] = []) throws -> Recipe {
        try TinyRun.recipe("stylegan2", ["resolution=\(resolution)", Self.fade] + overrides)
    }

    private var start: String { small.folder("small") }

    private func train(_ run: TrainingRun, steps: Int) throws {
        #expect(try run.run(until: .init(steps: steps), output: nil, isCancelled: { false }) == .finished)
    }

    /// A generator without a fade, with a section of a state.
    private func generator(_ state: Checkpoint, _ section: String) throws -> any Generator {
        let made = state.recipe.adversarial.makeGenerator(
            resolution: state.recipe.resolution, random: RandomSource(seed: 0))
        try made.load(state.section(section))
        made.train(false)
        return made
    }

    private func distance(_ a: Tensor, _ b: Tensor) -> Double {
        (a.detached() - b.detached()).abs().max().item()
    }

    /// All weights are kept, the pictures are those of the smaller network, and the notes have the numbers.
    @Test func allWeightsAreKept() throws {
        let state = try Checkpoint(path: start + "/checkpoints/last.safetensors")
        let run = try large.open("large", recipe(32), start: start)
        let trainer = try #require(run.trainer as? AdversarialTrainer)
        #expect(trainer.recipe.adversarial.enlargement.fromSide == 16)
        let latents = trainer.sampler.sample(seeds: [1, 2, 3])
        var sections: [String: TrainingState.Tensors] = [:]
        for (name, tensors) in trainer.state.sections { sections[name] = tensors }
        let taps = Tensor([0.25, 0.75, 0.75, 0.25] as [Float], shape: [4, 1])
        let filter = taps.matmul(taps.transposed(0, 1)).reshape([1, 1, 4, 4]).expanded(to: [3, 1, 4, 4])
            .contiguous()
        let averaged = try #require(trainer.averaged)
        let networks: [(name: String, network: any Generator)] = [
            (name: "generator", network: trainer.generator), (name: "average", network: averaged),
        ]
        for (name, network) in networks {
            let section = try #require(sections[name])
            var own: [String: Tensor] = [:]
            for (key, tensor) in section { own[key] = tensor }
            for (key, tensor) in state.section(name) {
                let copied = try #require(own[key])
                #expect(distance(copied, tensor) == 0, "\(name).\(key)")
            }
            network.train(false)
            let old = try generator(state, name)
            let before = old(latents)
            let expected = before.convTranspose2d(
                weight: filter, bias: nil, stride: 2, padding: 1, groups: 3)
            let scale = max(1, expected.abs().max().item())
            let images = network(latents)
            #expect(distance(images, expected) < 1e-5 * scale)
            network.train(true)
        }
        let smaller = try AdversarialTrainer(recipe: recipe(16), seed: 0)
        let pairs: [(name: String, all: Int, kept: Int)] = [
            (
                name: "generator", all: trainer.generator.parameterCount,
                kept: smaller.generator.parameterCount
            ),
            (
                name: "discriminator", all: trainer.discriminator.parameterCount,
                kept: smaller.discriminator.parameterCount
            ),
        ]
        for (name, all, kept) in pairs {
            #expect(all > kept)
            let found = run.notes.first { $0.hasPrefix(name + ":") }
            let note = try #require(found)
            let numbers = note.matches(of: /[\d,]+/).compactMap { Int($0.output.replacing(",", with: "")) }
            #expect(numbers == [kept, all - kept, 0], "\(note)")
        }
        #expect(run.notes.contains { $0.contains("from 16 x 16 to 32 x 32 pixels") }, "\(run.notes)")
    }

    /// The weight of the larger blocks rises with the images and ends at 1.
    @Test func resumedFadeEqualsAnUninterruptedOne() throws {
        let recipe = try recipe(32, ["training.logSteps=1", "training.keepKimg=0.016"])
        try train(large.open("straight", recipe, start: start), steps: 8)
        for steps in [2, 4, 7] {
            let name = "stopped\(steps)"
            try train(large.open(name, recipe, start: start), steps: steps)
            try train(large.open(name, recipe), steps: 8)
            try large.expectEqual("straight", name)
        }
        let weights = try large.records("straight", with: "alpha").compactMap { $0["alpha"] as? Double }
        #expect(weights.prefix(5).allSatisfy { $0 < 1.0001 } && weights.last == 1)
        #expect(
            zip(weights, [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1]).allSatisfy { abs($0 - $1) < 1e-9 }, "\(weights)")
        // A model has the weight of its number of images.
        let latents = LatentSampler(recipe.adversarial.generator.latent).sample(seeds: [1, 2])
        let during = try GeneratorModel(
            large.folder("straight") + "/checkpoints/images-0000000016.safetensors")
        let half = try #require(during.generator as? StyleGAN2Generator)
        let faded = half(latents)
        half.fade = nil
        #expect(distance(half(latents), faded) > 1e-4)
        let after = try GeneratorModel(large.folder("straight"))
        let whole = try #require(after.generator as? StyleGAN2Generator)
        #expect(whole.fade == nil)
    }

    /// Exports for other programs have no layers of the fade, and do not exist during the fade.
    @Test func exportHasNoLayersOfTheFade() throws {
        try train(large.open("large", recipe(32), start: start), steps: 3)
        for network in [PyTorchImport.Network.generator, .discriminator] {
            let error = #expect(throws: CheckpointError.self) {
                try StateExport.tensors(of: large.folder("large"), network: network)
            }
            #expect("\(error!)".contains("still fading in"), "\(error!)")
        }
        try train(large.open("large", recipe(32)), steps: 6)
        let exported = try StateExport.tensors(of: large.folder("large"), network: .discriminator)
        #expect(!exported.contains { $0.key.hasPrefix("b16.fromrgb") })
        #expect(exported.contains { $0.key == "b32.fromrgb.weight" })
        #expect(exported.contains { $0.key == "b16.conv0.weight" })
        // Another run starts from it without a fade. The layer of the fade is left out.
        let next = try large.open("next", recipe(32), start: large.folder("large"))
        #expect(next.trainer.recipe.adversarial.enlargement.fromSide == 0)
        #expect(!next.notes.contains { $0.contains("random weights") }, "\(next.notes)")
        try train(next, steps: 2)
    }

    /// Of networks that grow twice, the layer of the first fade is left out.
    @Test func networksGrowTwice() throws {
        try train(large.open("large", recipe(32), start: start), steps: 6)
        let largest = try TinyRun(side: 64)
        let run = try largest.open("largest", recipe(64), start: large.folder("large"))
        #expect(run.trainer.recipe.adversarial.enlargement.fromSide == 32)
        let notes = run.notes.filter { $0.contains("left out") }
        #expect(notes.count == 2 && notes[0].hasSuffix(" 0 left out"), "\(notes)")
        // Channels of side 16 times three colors, and biases: 4 channels, at least 1.
        #expect(notes[1].hasSuffix(" 16 left out"), "\(notes)")
        try train(run, steps: 1)
    }

    @Test func otherNetworksAreAnError() throws {
        func message(_ tiny: TinyRun, _ recipe: Recipe, from start: String) -> String {
            let error = #expect(throws: TrainingError.self) {
                try tiny.open("other", recipe, start: start)
            }
            #expect(!FileManager.default.fileExists(atPath: tiny.folder("other/run.json")))
            return error.map { "\($0)" } ?? ""
        }
        try small.train("dcgan", TinyRun.recipe(), steps: 1)
        let dcgan = message(
            large, try TinyRun.recipe("dcgan", ["resolution=32"]), from: small.folder("dcgan"))
        #expect(dcgan.contains("networks of kind dcgan cannot be enlarged (stylegan2 can)"), "\(dcgan)")
        try train(large.open("large", recipe(32), start: start), steps: 1)
        let reduced = message(small, try recipe(16), from: large.folder("large"))
        #expect(reduced.contains("32 x 32") && reduced.contains("cannot be reduced"), "\(reduced)")
        let wider = message(large, try recipe(32, ["generator.channelBase=128"]), from: start)
        #expect(wider.contains("of another shape"), "\(wider)")
        let alone = #expect(throws: TrainingError.self) {
            try large.open("other", recipe(32, ["enlargement.fromSide=16"]))
        }
        #expect("\(alone!)".contains("--from"), "\(alone!)")
        #expect(throws: (any Error).self) { try recipe(16, ["enlargement.fromSide=16"]) }
        #expect(throws: (any Error).self) {
            try TinyRun.recipe("dcgan", ["enlargement.fromSide=8"])
        }
    }

    /// The command prints what is kept and added, and resumes without the model.
    @Test func commandReportsTheEnlargement() throws {
        let sizes = ["resolution=32", "enlargement.fadeKimg=0.04"]
        let arguments =
            [
                "train", "--from", start, "--data", large.store.path, "--out", large.folder("run"),
                "--threads",
                "1", "--device", "cpu", "--precision", "fp32", "--steps", "2",
            ] + sizes.flatMap { ["--set", $0] }
        let result = try runProcess(TrainProcess.program, arguments, environment: ["NO_COLOR": "1"])
        #expect(result.status == 0, "\(result.errors)")
        for part in [
            "enlarging the networks from 16 x 16 to 32 x 32 pixels", "parameters kept", "0 left out",
        ] {
            #expect(result.errors.contains(part), "\(part) is not in: \(result.errors)")
        }
        let again = [
            "train", "--out", large.folder("run"), "--threads", "1", "--device", "cpu", "--steps", "3",
        ]
        let resumed = try runProcess(TrainProcess.program, again, environment: ["NO_COLOR": "1"])
        #expect(resumed.status == 0 && resumed.errors.contains("resuming at step 2"), "\(resumed.errors)")
    }
}
