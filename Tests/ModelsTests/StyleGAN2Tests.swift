import Models
import TensorTestSupport
import TestSupport
import Testing
import Torch
import TorchNN

/// StyleGAN2 against PyTorch in all architectures and forms. Golden of make_stylegan2.py.
@Suite struct StyleGAN2Tests {
    struct Variant: Sendable, CustomTestStringConvertible {
        let name: String
        let resolution: Int
        let labels: Int
        let generator: StyleGAN2Settings.Architecture
        let discriminator: StyleGAN2Settings.Architecture
        let layers: Int
        let clamp: Double
        var testDescription: String { name }

        static let all = [
            Variant(
                name: "skip", resolution: 16, labels: 3, generator: .skip, discriminator: .residual,
                layers: 2, clamp: 0),
            Variant(
                name: "residual", resolution: 16, labels: 0, generator: .residual, discriminator: .skip,
                layers: 2, clamp: 1.5),
            Variant(
                name: "plain", resolution: 8, labels: 0, generator: .plain, discriminator: .plain,
                layers: 1, clamp: 0),
        ]

        var settings: StyleGAN2Settings {
            var settings = StyleGAN2Settings()
            (settings.channelBase, settings.maxFilters) = (resolution == 8 ? 64 : 128, 12)
            (settings.wSize, settings.mappingLayers, settings.clamp) = (10, layers, clamp)
            (settings.generatorArchitecture, settings.discriminatorArchitecture) = (generator, discriminator)
            return settings
        }

        func networks(_ golden: [String: Tensor]) throws -> (StyleGAN2Generator, StyleGAN2Discriminator) {
            var conditions = ConditionSettings()
            conditions.attributes = (0..<labels).map { "a\($0)" }
            let generator = StyleGAN2Generator(
                settings, latentSpace: LatentSpace(size: 6), resolution: resolution, labels: labels)
            let discriminator = StyleGAN2Discriminator(
                settings, resolution: resolution, conditions: conditions)
            for (network, module) in [("generator", generator as Module), ("discriminator", discriminator)] {
                try module.load(section("\(name).\(network).start.", of: golden))
                module.move(to: .cpu, format: .channelsLast)
            }
            return (generator, discriminator)
        }

        func latents(_ golden: [String: Tensor]) throws -> Latents {
            Latents(try #require(golden["\(name).z"]), labels: golden["\(name).labels"])
        }
    }

    @Test(arguments: Variant.all, ResamplingFilter.Form.allCases)
    func outputsAndGradientsEqualPyTorch(variant: Variant, form: ResamplingFilter.Form) throws {
        let golden = try goldenTensors("Models/stylegan2.safetensors")
        let (generator, discriminator) = try variant.networks(golden)
        let latents = try variant.latents(golden)
        try ResamplingFilter.Form.with(form) {
            generator.train(false)
            try expectNear(generator.map(latents).select(1, 0), "\(variant.name).w", golden, 1e-5)
            try expectOutputAndGradients(generator(latents), generator, variant.name + ".generator", golden)
            let pictures = try #require(golden["\(variant.name).pictures"])
            let output = discriminator(pictures, labels: latents.labels)
            try expectOutputAndGradients(
                output.logits, discriminator, variant.name + ".discriminator", golden)
        }
    }

    /// Weights that are modulated for every picture give the same pictures.
    @Test(arguments: [Variant.all[0], Variant.all[1]])
    func modulatedWeightsEqualModulatedMaps(variant: Variant) throws {
        let golden = try goldenTensors("Models/stylegan2.safetensors")
        let (generator, _) = try variant.networks(golden)
        let latents = try variant.latents(golden)
        generator.train(false)
        let images = withoutGradients { ModulationForm.with(.weights) { generator(latents) } }
        try expectNear(images, variant.name + ".generator.output", golden, 1e-5)
    }

    /// Numbers of trained values of the authors' networks, with 8 and 2 layers of the mapping network.
    @Test(arguments: [
        (64, 16384, 10, 23_819_544, 22_243_608, 23_407_361),
        (64, 32768, 10, 27_032_600, 25_456_664, 26_488_833),
        (64, 8192, 10, 19_016_088, 17_440_152, 18_900_609),
        (128, 16384, 12, 24_525_213, 22_949_277, 23_882_369),
        (128, 32768, 12, 29_328_669, 27_752_733, 28_389_121),
        (256, 16384, 14, 24_767_458, 23_191_522, 24_001_089),
        (256, 32768, 14, 30_034_338, 28_458_402, 28_864_129),
        (512, 16384, 16, 24_860_935, 23_284_999, 24_030_753),
        (512, 32768, 16, 30_276_583, 28_700_647, 28_982_849),
        (1024, 16384, 18, 24_900_764, 23_324_828, 24_038_161),
        (1024, 32768, 18, 30_370_060, 28_794_124, 29_012_513),
    ])
    func parameterCountsAreThePublishedOnes(
        resolution: Int, base: Int, rows: Int, eight: Int, two: Int, discriminator: Int
    ) {
        var settings = StyleGAN2Settings()
        settings.channelBase = base
        let full = StyleGAN2Generator(settings, resolution: resolution)
        #expect(full.parameterCount == eight && full.layerCount == rows)
        settings.mappingLayers = 2
        #expect(StyleGAN2Generator(settings, resolution: resolution).parameterCount == two)
        #expect(StyleGAN2Discriminator(settings, resolution: resolution).parameterCount == discriminator)
    }

    private func small() -> StyleGAN2Generator {
        let generator = StyleGAN2Generator(
            Variant.all[1].settings, latentSpace: LatentSpace(size: 6), resolution: 16)
        generator.initialize(RandomSource(seed: 3))
        return generator
    }

    @Test func averageFollowsTheMeanOfWInTrainingMode() {
        let generator = small()
        let latents = LatentSampler(generator.latentSpace).sample(seeds: [1, 2, 3])
        generator.train(false)
        let w = generator.map(latents).select(1, 0)
        #expect(generator.averageW.value.abs().max().item() == 0)
        generator.train()
        _ = generator.map(latents)
        let expected = w.mean([0]) * (1 - 0.998)
        #expect((generator.averageW.value - expected).abs().max().item() < 1e-7)
    }

    /// Rows before the cutoff have the first w, the others the second one; the cutoff varies between the batches.
    @Test func stylesAreMixedAtOneRowPerBatch() {
        let generator = small()
        let latents = LatentSampler(generator.latentSpace).sample(seeds: [1, 2])
        let first = generator.map(latents)
        var cutoffs: [Int: Int] = [:]
        for seed in 0..<200 {
            let mixed = generator.mapForTraining(latents, random: RandomSource(seed: UInt64(seed)))
            let same = (0..<generator.layerCount).map { row in
                (mixed.select(1, row) - first.select(1, row)).abs().max().item() == 0
            }
            let count = same.prefix { $0 }.count
            #expect(!same.dropFirst(count).contains(true))
            cutoffs[count, default: 0] += 1
        }
        // A tenth of the batches is not mixed; the others have 1 to L - 1 rows of the first w.
        #expect(Set(cutoffs.keys) == Set(1...generator.layerCount))
        #expect((8...36).contains(cutoffs[generator.layerCount]!))
    }

    @Test func truncationMovesTheFirstRowsTowardsTheMean() {
        let generator = small()
        generator.averageW.value.copy_(Tensor([Float](repeating: 0.5, count: 10)))
        let w = Tensor.normal([2, generator.layerCount, 10], random: RandomSource(seed: 5))
        let whole = generator.truncated(w, psi: 0.7)
        #expect((whole - (w * 0.7 + 0.15)).abs().max().item() < 1e-6)
        let part = generator.truncated(w, psi: 0.7, cutoff: 2)
        #expect(
            (part.narrow(1, start: 0, length: 2) - whole.narrow(1, start: 0, length: 2)).abs().max().item()
                == 0)
        let rest = generator.layerCount - 2
        #expect(
            (part.narrow(1, start: 2, length: rest) - w.narrow(1, start: 2, length: rest)).abs().max().item()
                == 0)
        #expect((generator.truncated(w, psi: 0.5, cutoff: 0) - w).abs().max().item() == 0)
    }

    @Test func randomNoiseDependsOnItsStream() {
        let generator = small()
        generator.train(false)
        for (_, parameter) in generator.parameters.filter({ $0.key.hasSuffix("noise_strength") }) {
            withoutGradients { parameter.value.fill_(0.5) }
        }
        let latents = LatentSampler(generator.latentSpace).sample(seeds: [4])
        func images(_ noise: NoiseInput) -> Tensor { withoutGradients { generator(latents, noise: noise) } }
        func difference(_ a: Tensor, _ b: Tensor) -> Double { (a - b).abs().max().item() }
        let random = images(.random(RandomSource(seed: 1)))
        #expect(difference(random, images(.random(RandomSource(seed: 1)))) == 0)
        #expect(difference(random, images(.random(RandomSource(seed: 2)))) > 0.01)
        #expect(difference(images(.constant), images(.none)) > 0.01)
        #expect(difference(images(.constant), images(.constant)) == 0)
    }
}
