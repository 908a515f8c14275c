import TensorTestSupport
import Models
import TestSupport
import Testing
import Torch
import TorchNN

/// Networks that grow, and residual ones with spectral norms, attention and labels, against PyTorch.
///
/// Goldens by make_families.py.
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
    func growingNetworksEqualPyTorchs(family: String, stage: Stage) throws {
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
        let code = try #require(golden["\(first).input"])
        try expect([generator(Latents(code))], generator, first, golden)
        let images = try #require(golden["\(second).input"]).to(.channelsLast)
        try expect([critic(images)], critic, second, golden)
    }

    @Test func spectralNetworksEqualPyTorchs() throws {
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
        let code = try #require(golden["sagan.generator.full.input"])
        // z of 6 values, then 3 labels.
        let latents = Latents(
            code.narrow(1, start: 0, length: 6), labels: code.narrow(1, start: 6, length: 3))
        try expect([generator(latents)], generator, "sagan.generator.full", golden)
        let images = try #require(golden["sagan.critic.full.input"]).to(.channelsLast)
        let verdict = critic(images, labels: golden["sagan.critic.full.labels"])
        try expect(
            [verdict.logits, try #require(verdict.attributes)], critic, "sagan.critic.full", golden)
        // Power iterations and running statistics have moved as PyTorch's did.
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
                // The script leaves out layers that are not at work, and of small ones what is large.
                if !name.hasSuffix("small") { #expect(gradient == nil, "\(name) \(key)") }
                continue
            }
            compared += 1
            if key.hasSuffix(".bias"), try #require(gradient).abs().max().item() < 1e-5 * largest {
                // A normalization takes it away again, so that only rounding is left.
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
