import Models
import TensorTestSupport
import TestSupport
import Testing
import Torch
import TorchNN

/// The included model celeba64 against the outputs of its training program.
@Suite struct ShippedStyleGAN2Tests {
    private static let compact: StyleGAN2Settings = {
        var settings = StyleGAN2Settings()
        (settings.channelBase, settings.maxFilters, settings.mappingLayers) = (8192, 256, 2)
        return settings
    }()

    private func load(_ module: Module, _ file: String, _ section: String) throws {
        let tensors = try TensorFile.read(packageRoot() + "/Weights/" + file).tensors
        try module.load(tensors.map { (String($0.name.dropFirst(section.count + 1)), $0.tensor) })
        module.move(to: .cpu, format: .channelsLast)
        module.train(false)
    }

    private func generator() throws -> StyleGAN2Generator {
        let generator = StyleGAN2Generator(Self.compact, resolution: 64)
        try load(generator, "celeba64.safetensors", "average")
        return generator
    }

    private func difference(_ value: Tensor, _ expected: Tensor) -> Double {
        (value - expected).abs().max().item()
    }

    @Test func networksEqualTheirReference() throws {
        let golden = try goldenTensors("Models/stylegan2-celeba64.safetensors")
        let generator = try generator()
        let discriminator = StyleGAN2Discriminator(Self.compact, resolution: 64)
        try load(discriminator, "celeba64.discriminator.safetensors", "discriminator")
        #expect(generator.parameterCount == 6_813_336 && discriminator.parameterCount == 5_854_593)
        let z = try #require(golden["z"])
        try withoutGradients {
            let w = generator.map(Latents(z))
            #expect(try difference(w.select(1, 0), #require(golden["w"])) < 1e-5)
            let images = try #require(golden["images"])
            let truncated = try #require(golden["images_psi07"])
            for synthesis in [{ generator.synthesize($0, noise: $1) }, generator.foldedSynthesis()] {
                #expect(difference(synthesis(w, .constant), images) < 1e-4)
                #expect(difference(synthesis(generator.truncated(w, psi: 0.7), .constant), truncated) < 1e-4)
            }
            let logits = discriminator(images, labels: nil).logits
            #expect(try difference(logits, #require(golden["logits"]).reshape([8])) < 1e-4)
        }
    }

    /// Both forms of the filter and of the modulation give the same pictures.
    @Test func formsAgree() throws {
        let generator = try generator()
        let w = withoutGradients { generator.map(LatentSampler(generator.latentSpace).sample(seeds: [5])) }
        let images = withoutGradients { generator.synthesize(w, noise: .none) }
        let separate = withoutGradients {
            ResamplingFilter.Form.with(.separate) { generator.synthesize(w, noise: .none) }
        }
        let weights = withoutGradients {
            ModulationForm.with(.weights) { generator.synthesize(w, noise: .none) }
        }
        #expect(difference(images, separate) < 5e-5)
        #expect(difference(images, weights) < 5e-5)
        #expect(difference(images, withoutGradients { generator.foldedSynthesis()(w, .none) }) < 5e-5)
    }

    /// A face has the same bytes in every batch.
    @Test(arguments: SynthesisOptions.Noise.allCases)
    func facesDoNotDependOnTheBatch(noise: SynthesisOptions.Noise) throws {
        let runner = GeneratorRunner(try generator(), options: .init(psi: 0.7, noise: noise))
        let latents = LatentSampler(LatentSpace(size: 512)).sample(seeds: [3, 4, 5, 6, 7])
        let all = runner.pixels(latents)
        #expect(all.count == 5 && Set(all).count == 5)
        for row in 0..<5 {
            let one = runner.pixels(latents[row..<row + 1])[0]
            #expect(one == all[row], "row \(row)")
        }
        // w+ of the runner is truncated and gives the same faces.
        let input = GeneratorInput.w(runner.wPlus(latents))
        if noise != .random {
            #expect(runner.batches(of: input).flatMap { runner.pixels(input, $0) } == all)
        }
    }
}
