import Models
import TensorTestSupport
import Testing
import Torch
import TorchNN

/// R3GAN against PyTorch. Golden of make_r3gan.py.
@Suite struct R3GANTests {
    private static func settings(blocks: Int, groupSize: Int) -> R3GANSettings {
        var settings = R3GANSettings()
        (settings.channelBase, settings.maxFilters) = (128, 12)
        (settings.blocks, settings.groupSize) = (blocks, groupSize)
        return settings
    }

    private func load(_ module: Module, _ prefix: String, _ golden: [String: Tensor]) throws {
        try module.load(section(prefix, of: golden))
        module.move(to: .cpu, format: .channelsLast)
    }

    /// Names, shapes, outputs and gradients, with the kernels of the package and with those of libtorch.
    @Test(arguments: ["plain", "conditional"], Kernels.allCases)
    func outputsAndGradientsEqualPyTorch(name: String, kernels: Kernels) throws {
        let golden = try goldenTensors("Models/r3gan.safetensors")
        let labels = golden["\(name).labels"]
        let settings =
            labels == nil ? Self.settings(blocks: 2, groupSize: 4) : Self.settings(blocks: 1, groupSize: 8)
        var conditions = ConditionSettings()
        conditions.attributes = labels == nil ? [] : ["a", "b", "c"]
        let generator = R3GANGenerator(
            settings, latentSpace: LatentSpace(size: 6), resolution: 16, labels: conditions.attributes.count)
        let discriminator = R3GANDiscriminator(settings, resolution: 16, conditions: conditions)
        try load(generator, "\(name).generator.start.", golden)
        try load(discriminator, "\(name).discriminator.start.", golden)
        let z = try #require(golden["\(name).z"])
        let pictures = try #require(golden["\(name).pictures"]).to(.channelsLast)
        try withKernels(kernels) {
            try expectOutputAndGradients(
                generator(Latents(z, labels: labels)), generator, "\(name).generator", golden)
            let output = discriminator(pictures, labels: labels)
            try expectOutputAndGradients(output.logits, discriminator, "\(name).discriminator", golden)
        }
    }

    /// Numbers of trained values of the authors' networks, and of the networks of the PyTorch script.
    @Test(arguments: [
        (32, 20_732_160, 20_683_776), (64, 22_429_824, 22_381_440), (256, 23_057_952, 23_009_568),
    ])
    func parameterCountsAreThePublishedOnes(resolution: Int, generator: Int, discriminator: Int) throws {
        let golden = try goldenTensors("Models/r3gan.safetensors")
        #expect(R3GANGenerator(resolution: resolution).parameterCount == generator)
        #expect(R3GANDiscriminator(resolution: resolution).parameterCount == discriminator)
        #expect(golden["counts.\(resolution)"]?.doubles() == [Double(generator), Double(discriminator)])
        if resolution == 64 { #expect(R3GANGenerator(resolution: 64).parameters.count == 54) }
    }

    /// Deviations of the initial weights: gain / sqrt(fan-in), and blocks that start as the identity.
    @Test func initialWeightsHaveTheirDeviations() throws {
        var settings = R3GANSettings()
        (settings.channelBase, settings.maxFilters) = (8192, 128)
        let generator = R3GANGenerator(settings, latentSpace: LatentSpace(size: 64), resolution: 64)
        let discriminator = R3GANDiscriminator(settings, resolution: 64)
        for network in [generator, discriminator] as [Module] { network.initialize(RandomSource(seed: 5)) }
        let blockGain = (2 / 1.04).squareRoot() / 10.0.squareRoot().squareRoot()
        let expected = [
            ("MainLayers.1.Layers.1.LinearLayer1.Layer.weight", blockGain / 128.0.squareRoot()),
            ("MainLayers.1.Layers.1.LinearLayer2.Layer.weight", blockGain / 144.0.squareRoot()),
            ("MainLayers.1.Layers.1.LinearLayer3.Layer.weight", 0),
            ("MainLayers.1.Layers.1.NonLinearity1.Bias", 0),
            ("MainLayers.0.Layers.0.Basis", 1),
            ("MainLayers.0.Layers.0.LinearLayer.weight", 1 / 64.0.squareRoot()),
        ]
        func expectDeviation(_ network: Module, _ key: String, _ deviation: Double) throws {
            let value = try #require(network.parameters.first { $0.key == key }, "\(key)").parameter.value
                .detached()
            let found = value.square().mean().sqrt().item()
            #expect(abs(found - deviation) <= 0.06 * deviation, "\(key): \(found)")
        }
        for (key, deviation) in expected { try expectDeviation(generator, key, deviation) }
        try expectDeviation(discriminator, "MainLayers.4.Layers.2.Basis.weight", 0.25)
        // A stage without a change of the side is the identity.
        let maps = Tensor.normal([2, 128, 4, 4], random: RandomSource(seed: 6))
        #expect(discriminator.stages[4](maps).floats() == maps.floats())
    }

    /// Penalties on the gradients of a discriminator with grouped convolutions equal those of libtorch's derivatives.
    @Test func secondDerivativesEqualThoseOfLibtorch() throws {
        let discriminator = R3GANDiscriminator(Self.settings(blocks: 1, groupSize: 4), resolution: 16)
        for (_, parameter) in discriminator.parameters {
            withoutGradients { parameter.value.normal_(deviation: 0.3, random: RandomSource(seed: 3)) }
        }
        discriminator.move(to: .cpu, format: .channelsLast)
        let pictures = Tensor.normal([3, 3, 16, 16], random: RandomSource(seed: 4)).to(.channelsLast)
        let weights = discriminator.parameters
        func results(_ kernels: Kernels) -> [Tensor?] {
            withKernels(kernels) {
                let leaf = pictures.detached().requiringGradient()
                let slope = gradients(of: [discriminator(leaf).sum()], wrt: [leaf], createGraph: true)[0]!
                return gradients(of: [slope.square().sum()], wrt: weights.map(\.parameter.value))
            }
        }
        for ((key, _), (own, engines)) in zip(weights, zip(results(.fast), results(.plain))) {
            // Biases shift activations and have no second derivative.
            guard let own, let engines else { continue }
            let scale = engines.abs().max().item() + 1e-12
            #expect((own - engines).abs().max().item() < 1e-5 * scale, "\(key)")
        }
    }
}
