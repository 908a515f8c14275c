import Models
import TensorTestSupport
import TestSupport
import Testing
import Torch
import TorchNN

/// Growing networks, and residual networks with spectral normalization, attention and labels, against PyTorch.
///
/// Golden of make_families.py.
@Suite struct FamilyTests {
    private static let valueTolerance = 1e-5
    private static let gradientTolerance = 1e-4

    private static func start(_ module: Module, _ name: String, _ golden: [String: Tensor]) throws {
        try module.load(section("\(name).start.", golden))
        module.move(to: .cpu, format: .channelsLast)
    }

    private static func section(_ prefix: String, _ golden: [String: Tensor]) -> [(String, Tensor)] {
        golden.compactMap { key, tensor in
            key.hasPrefix(prefix) ? (String(key.dropFirst(prefix.count)), tensor) : nil
        }
    }

    struct Stage: Sendable, CustomTestStringConvertible {
        let name: String
        let growth: Growth
        var testDescription: String { name }

        static let all = [
            Stage(name: "full", growth: Growth(side: 16)),
            Stage(name: "fading", growth: Growth(side: 16, alpha: 0.3)),
            Stage(name: "small", growth: Growth(side: 8)),
        ]
    }

    private func settings(_ family: String) -> ProgressiveSettings {
        var settings = ProgressiveSettings()
        settings.maxFilters = 8
        if family == "detail" { (settings.residual, settings.attention.side) = (true, 16) }
        return settings
    }

    @Test(arguments: ["progressive", "detail"], Stage.all)
    func growingNetworksEqualPyTorch(family: String, stage: Stage) throws {
        let golden = try goldenTensors("Models/families.safetensors")
        let generator = ProgressiveGenerator(
            settings(family), latentSpace: LatentSpace(size: 6), resolution: 16)
        var critics = settings(family)
        critics.attention.side = 0
        let critic = ProgressiveCritic(critics, resolution: 16)
        try Self.start(generator, "\(family).generator", golden)
        try Self.start(critic, "\(family).critic", golden)
        (generator.growth, critic.growth) = (stage.growth, stage.growth)
        let (first, second) = ("\(family).generator.\(stage.name)", "\(family).critic.\(stage.name)")
        let z = try #require(golden["\(first).input"])
        try expect([generator(Latents(z))], generator, first, golden)
        let images = try #require(golden["\(second).input"]).to(.channelsLast)
        try expect([critic(images)], critic, second, golden)
    }

    @Test func spectralNetworksEqualPyTorch() throws {
        let golden = try goldenTensors("Models/families.safetensors")
        var settings = ResidualSettings()
        (settings.filters, settings.spectralNorm, settings.attention.side) = (8, true, 8)
        settings.pooling = .sum
        var conditions = ConditionSettings()
        (conditions.attributes, conditions.classifier) = (["a", "b", "c"], true)
        let generator = ResidualGenerator(
            settings, latentSpace: LatentSpace(size: 6), resolution: 16, labels: 3)
        let critic = ResidualCritic(settings, resolution: 16, conditions: conditions)
        try Self.start(generator, "sagan.generator", golden)
        try Self.start(critic, "sagan.critic", golden)
        let z = try #require(golden["sagan.generator.full.input"])
        // z of 6 values, then 3 labels.
        let latents = Latents(
            z.narrow(1, start: 0, length: 6), labels: z.narrow(1, start: 6, length: 3))
        try expect([generator(latents)], generator, "sagan.generator.full", golden)
        let images = try #require(golden["sagan.critic.full.input"]).to(.channelsLast)
        let output = critic(images, labels: golden["sagan.critic.full.labels"])
        try expect(
            [output.logits, try #require(output.attributes)], critic, "sagan.critic.full", golden)
        // Power iterations and running statistics after the pass.
        for (name, module) in [("generator", generator as Module), ("critic", critic)] {
            for (key, tensor) in module.state where !key.hasSuffix("num_batches_tracked") {
                try expectNear(tensor, "sagan.\(name).end.\(key)", golden, Self.valueTolerance)
            }
        }
    }

    private func expect(
        _ outputs: [Tensor], _ module: Module, _ name: String, _ golden: [String: Tensor]
    ) throws {
        for (index, output) in outputs.enumerated() {
            try expectNear(output, "\(name).output\(index)", golden, Self.valueTolerance)
        }
        let seeds = try outputs.indices.map { try #require(golden["\(name).seed\($0)"]) }
        let parameters = module.parameters
        let found = gradients(of: outputs, wrt: parameters.map(\.parameter.value), seeds: seeds)
        let largest = found.compactMap { $0?.abs().max().item() }.max() ?? 0
        var compared = 0
        for ((key, _), gradient) in zip(parameters, found) {
            guard golden["\(name).gradient.\(key)"] != nil else {
                // The script omits unused layers and, at the small stage, those of larger sides.
                if !name.hasSuffix("small") { #expect(gradient == nil, "\(name) \(key)") }
                continue
            }
            compared += 1
            if key.hasSuffix(".bias"), try #require(gradient).abs().max().item() < 1e-5 * largest {
                // A following normalization cancels the bias, so only rounding errors remain.
                let expected = golden["\(name).gradient.\(key)"]!.abs().max().item()
                #expect(expected < 1e-5 * largest, "\(name) \(key)")
                continue
            }
            try expectNear(
                try #require(gradient, "\(key)"), "\(name).gradient.\(key)", golden, Self.gradientTolerance)
        }
        #expect(compared > 3)
    }
}

/// Fade-in of networks and real pictures is continuous at both ends.
@Suite struct GrowthTests {
    private let random = RandomSource(seed: 3)

    private func settings(residual: Bool) -> ProgressiveSettings {
        var settings = ProgressiveSettings()
        (settings.maxFilters, settings.residual) = (8, residual)
        return settings
    }

    private func difference(_ a: Tensor, _ b: Tensor) -> Double { (a - b).detached().abs().max().item() }

    @Test(arguments: [false, true], [8, 16, 32])
    func generatorsFadeContinuously(residual: Bool, side: Int) {
        let generator = ProgressiveGenerator(
            settings(residual: residual), latentSpace: LatentSpace(size: 6), resolution: 32)
        generator.initialize(random)
        let latents = Latents(Tensor.normal([3, 6], random: random))
        func generated(_ growth: Growth) -> Tensor {
            generator.growth = growth
            return generator(latents)
        }
        let smaller = generated(Growth(side: side / 2)).upsampledNearest(height: side, width: side)
        let larger = generated(Growth(side: side))
        #expect(larger.shape == [3, 3, side, side])
        #expect(difference(generated(Growth(side: side, alpha: 0)), smaller) < 1e-6)
        // alpha close to 1 is close to the larger network.
        #expect(difference(generated(Growth(side: side, alpha: 1 - 1e-7)), larger) < 1e-6)
        #expect(difference(smaller, larger) > 0.01)
        #expect(generator.fullSize(generator(latents)).shape == [3, 3, 32, 32])
        #expect(GeneratorRunner(generator).images(latents, batchSize: 4).shape == [3, 3, 32, 32])
    }

    @Test(arguments: [false, true])
    func criticsFadeContinuously(residual: Bool) {
        let critic = ProgressiveCritic(settings(residual: residual), resolution: 16)
        critic.initialize(random)
        let images = Tensor.normal([4, 3, 16, 16], random: random)
        func logits(_ images: Tensor, _ growth: Growth) -> Tensor {
            critic.growth = growth
            return critic(images)
        }
        let smaller = logits(images.averagePool2d(2, stride: 2), Growth(side: 8))
        let larger = logits(images, Growth(side: 16))
        #expect(difference(logits(images, Growth(side: 16, alpha: 0)), smaller) < 1e-6)
        #expect(difference(logits(images, Growth(side: 16, alpha: 1 - 1e-7)), larger) < 1e-5)
        #expect(difference(smaller, larger) > 1e-3)
    }

    /// Real pictures at alpha 0 have the detail of half the side.
    @Test func realPicturesFadeContinuously() {
        let images = Tensor.normal([2, 3, 32, 32], random: random)
        let half = images.averagePool2d(4, stride: 4)
        let start = Growth(side: 16, alpha: 0).faded(images)
        #expect(difference(start, half.upsampledNearest(height: 16, width: 16)) < 1e-6)
        let end = Growth(side: 16).faded(images)
        #expect(difference(end, images.averagePool2d(2, stride: 2)) == 0)
        #expect(difference(Growth(side: 16, alpha: 0.25).faded(images), start.lerp(end, weight: 0.25)) < 1e-6)
        #expect(difference(Growth(side: 32).faded(images), images) == 0)
    }

    /// Karras et al. 2018, table 2: 23.1 million parameters in each network at 1024 x 1024.
    @Test func parameterCountsEqualThePaper() {
        let generator = ProgressiveGenerator(latentSpace: LatentSpace(size: 512), resolution: 1024)
        let critic = ProgressiveCritic(resolution: 1024)
        #expect(abs(Double(generator.parameterCount) / 1e6 - 23.1) < 0.05)
        #expect(abs(Double(critic.parameterCount) / 1e6 - 23.1) < 0.05)
    }

    @Test func pyramidHasOneLogitPerScale() {
        let parts = [16, 8].map { ProgressiveCritic(settings(residual: false), resolution: $0) }
        let pyramid = PyramidDiscriminator(parts)
        pyramid.initialize(random)
        #expect(pyramid.state.count == parts[0].state.count + parts[1].state.count)
        #expect(pyramid.state[0].key.hasPrefix("discriminators.0."))
        pyramid.growth = Growth(side: 16, alpha: 0.5)
        #expect(parts.map(\.growth) == [Growth(side: 16, alpha: 0.5), Growth(side: 8, alpha: 0.5)])
        let images = Tensor.normal([4, 3, 16, 16], random: random)
        let output = pyramid(images, labels: nil)
        #expect(output.logits.shape == [4, 2])
        #expect(difference(output.logits.select(1, 0), parts[0](images)) == 0)
        // At side 4 only the first discriminator is used.
        pyramid.growth = Growth(side: 4)
        #expect(pyramid(images.averagePool2d(4, stride: 4), labels: nil).logits.shape == [4, 1])
    }

    /// Frequencies above the limit of half the side are removed.
    @Test func pyramidDoesNotAlias() {
        let side = 32
        let stripes = Tensor((0..<side).map { Float($0 % 2 == 0 ? 1 : -1) })
            .reshape([1, 1, 1, side]).expanded(to: [1, 3, side, side])
        final class Probe: Module, Discriminator {
            var input: Tensor?
            var usesBatchStatistics: Bool { false }
            func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
                input = images
                return DiscriminatorOutput(logits: images.mean([1, 2, 3]))
            }
        }
        let probes = [Probe(), Probe()]
        _ = PyramidDiscriminator(probes)(stripes + 0.5, labels: nil)
        #expect(probes[1].input!.shape == [1, 3, 16, 16])
        #expect(difference(probes[1].input!, Tensor.full([1, 3, 16, 16], 0.5)) < 1e-6)
    }
}
