import Models
import TestSupport
import Testing
import Torch
import TorchNN

/// Self-attention and label heads against PyTorch, and their parameter counts.
@Suite struct AttentionTests {
    private static let tolerance = 1e-5

    /// Module and number of training passes in its golden (make_gan_layers.py).
    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: Int
        let make: @Sendable () -> Module

        init(_ name: String, steps: Int = 1, _ make: @escaping @Sendable () -> Module) {
            (testDescription, self.steps, self.make) = (name, steps, make)
        }

        static let all: [Example] = [
            .init("attention") { SelfAttention2d(16) },
            .init("attention-spectral", steps: 2) { SelfAttention2d(16, weights: .spectral) },
            .init("projection") { head(6, labels: 5) },
            .init("projection-spectral", steps: 2) { head(6, labels: 5, isSpectral: true) },
        ]

        @Sendable static func head(_ features: Int, labels: Int, isSpectral: Bool = false) -> LabelHead {
            var conditions = ConditionSettings()
            conditions.attributes = (0..<labels).map(String.init)
            return LabelHead(features, conditions, isSpectral: isSpectral)!
        }
    }

    @Test(arguments: Example.all, [MemoryFormat.contiguous, .channelsLast])
    func equalsPyTorch(_ example: Example, format: MemoryFormat) throws {
        let read = try TensorFile.read(goldens("Models/gan-layers.safetensors")).tensors
        let golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        let (name, module) = (example.testDescription, example.make())
        let state = golden.compactMap { key, tensor in
            key.hasPrefix(name + "/state.") ? (String(key.dropFirst(name.count + 7)), tensor) : nil
        }
        try module.load(state)
        module.move(to: .cpu, format: format)
        for step in 0..<example.steps { try expectPass(module, "\(name)-\(step)", golden, format) }
        guard !module.buffers.isEmpty else { return }
        for (key, tensor) in module.state { try expectClose(tensor, "\(name)/after.\(key)", golden) }
        module.train(false)
        try expectPass(module, name + "-use", golden, format)
    }

    private func apply(_ module: Module, _ input: Tensor, _ condition: Tensor?) -> Tensor {
        switch (module, condition) {
        case (let head as LabelHead, let labels?): head.fit(input, labels: labels)!
        default: (module as! Layer)(input)
        }
    }

    private func expectPass(
        _ module: Module, _ name: String, _ golden: [String: Tensor], _ format: MemoryFormat
    ) throws {
        let given = try #require(golden[name + "/input"])
        let input = (given.rank == 4 ? given.to(format) : given).detached().requiringGradient()
        let sources = [("input", input)] + module.parameters.map { ($0.key, $0.parameter.value) }
        let output = apply(module, input, golden[name + "/condition"])
        try expectClose(output, name + "/output", golden)
        let found = gradients(
            of: [output], wrt: sources.map { $0.1 }, seeds: [try #require(golden[name + "/seed"])],
            createGraph: true)
        let again = gradients(of: [found[0]!.square().sum()], wrt: sources.map { $0.1 })
        for ((key, _), (first, second)) in zip(sources, zip(found, again)) {
            try expectClose(first, "\(name)/gradient.\(key)", golden)
            if golden["\(name)/second.\(key)"] == nil {
                #expect(second == nil || second!.abs().max().item() == 0, "\(name) second \(key)")
            } else {
                try expectClose(second, "\(name)/second.\(key)", golden)
            }
        }
    }

    private func expectClose(_ value: Tensor?, _ name: String, _ golden: [String: Tensor]) throws {
        let (value, expected) = (try #require(value, "\(name)"), try #require(golden[name], "\(name)"))
        try #require(value.shape == expected.shape, "\(name)")
        let scale = max(expected.abs().max().item(), 1e-30)
        let difference = (value.detached() - expected).abs().max().item() / scale
        #expect(difference < Self.tolerance, "\(name) differs by \(difference)")
    }

    @Test func parameterCountsAreKnown() {
        #expect(SelfAttention2d(256).parameterCount == 81_921)
        #expect(SelfAttention2d(128).parameterCount == 20_481)
        #expect(SelfAttention2d(256, weights: .spectral).parameterCount == 81_921)
        #expect(Example.head(512, labels: 40).parameterCount == 40 * 512)
    }

    /// Initially the layer is the identity, and only gamma has a gradient.
    @Test func attentionIsInitiallyTheIdentity() {
        let attention = SelfAttention2d(8)
        let random = RandomSource(seed: 1)
        attention.initialize(random)
        let input = Tensor.normal([2, 8, 4, 4], random: random)
        let output = attention(input)
        #expect(output.floats() == input.floats())
        let found = gradients(
            of: [(output * Tensor.normal(output.shape, random: random)).sum()],
            wrt: attention.parameters.map(\.parameter.value))
        for ((key, _), gradient) in zip(attention.parameters, found) {
            #expect((gradient!.abs().max().item() == 0) == (key != "gamma"), "\(key)")
        }
    }

    /// Unknown labels do not change the logit. Opposite labels change it by opposite amounts.
    @Test func labelsChangeTheLogit() throws {
        let head = Example.head(6, labels: 3)
        let random = RandomSource(seed: 2)
        head.initialize(random)
        let (h, y) = (Tensor.normal([4, 6], random: random), Tensor.normal([4, 3], random: random))
        let (none, with, against) = (
            head.fit(h, labels: y * 0)!, head.fit(h, labels: y)!, head.fit(h, labels: -y)!
        )
        #expect(none.abs().max().item() == 0)
        #expect((with + against).abs().max().item() < 1e-5)
        #expect(with.abs().max().item() > 0.1)
    }

    @Test func headHasTheLayersOfItsConditions() {
        var conditions = ConditionSettings()
        #expect(LabelHead(6, conditions) == nil)
        conditions.attributes = ["a", "b"]
        #expect(LabelHead(6, conditions)!.parameters.map(\.key) == ["embed.weight"])
        conditions.classifier = true
        #expect(
            LabelHead(6, conditions)!.parameters.map(\.key)
                == ["embed.weight", "classifier.weight", "classifier.bias"])
        conditions.projection = false
        #expect(LabelHead(6, conditions)!.fit(Tensor.ones([1, 6]), labels: Tensor.ones([1, 2])) == nil)
    }
}
