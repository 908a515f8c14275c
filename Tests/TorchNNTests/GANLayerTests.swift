import Testing
import Torch
import TorchNN

/// Layers of GANs equal PyTorch: values, first and second derivatives, and state changes in training.
@Suite struct GANLayerTests {
    private static let tolerance = 1e-5

    /// A layer and the number of training passes in its golden, which make_gan_layers.py writes.
    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: Int
        let make: @Sendable () -> Module

        init(_ name: String, steps: Int = 1, _ make: @escaping @Sendable () -> Module) {
            (testDescription, self.steps, self.make) = (name, steps, make)
        }

        static let all: [Example] = [
            .init("spectral-conv", steps: 3) { SpectralConv2d(3, 6, kernel: 4, stride: 2, padding: 1) },
            .init("spectral-conv-plain", steps: 2) { SpectralConv2d(4, 3, kernel: 1, bias: false) },
            .init("spectral-linear", steps: 3) { SpectralLinear(5, 7) },
            .init("equalized-conv") { EqualizedConv2d(3, 6, kernel: 3, padding: 1) },
            .init("equalized-linear") { EqualizedLinear(5, 7) },
            .init("equalized-mapping") { EqualizedLinear(5, 7, gain: 1, learningRateMultiplier: 0.01) },
            .init("deviation") { MinibatchStandardDeviation() },
            .init("deviation-threes") { MinibatchStandardDeviation(group: 3) },
            .init("deviation-small") { MinibatchStandardDeviation() },
            .init("conditional-norm", steps: 3) {
                ConditionalBatchNorm2d(3, conditions: 5, momentum: 0.3, epsilon: 1e-3)
            },
            .init("conditional-norm-vector", steps: 2) {
                ConditionalBatchNorm2d(3, conditions: 5, momentum: 0.3, epsilon: 1e-3)
            },
        ]
    }

    @Test(arguments: Example.all, [MemoryFormat.contiguous, .channelsLast])
    func equalsPyTorch(_ example: Example, format: MemoryFormat) throws {
        let golden = try Golden("gan-layers")
        let (name, module) = (example.testDescription, example.make())
        module.initialize(RandomSource(seed: 1))
        try module.load(golden.below(name + "/state."))
        module.move(to: .cpu, format: format)
        for step in 0..<example.steps { try expectPass(module, "\(name)-\(step)", golden, format) }

        let after = golden.below(name + "/after.")
        #expect(after.isEmpty == module.buffers.isEmpty)
        if after.isEmpty { return }
        #expect(Set(after.map(\.key)) == Set(module.state.map(\.key)))
        for (key, tensor) in module.state {
            expectClose(tensor, try golden("\(name)/after.\(key)"), within: Self.tolerance, key)
        }
        module.train(false)
        let before = module.state.cloned().contents
        try expectPass(module, name + "-use", golden, format)
        #expect(module.state.contents == before)
    }

    private func apply(_ module: Module, _ input: Tensor, _ condition: Tensor?) -> Tensor {
        switch (module, condition) {
        case (let norm as ConditionalBatchNorm2d, let condition?): norm(input, condition)
        default: (module as! Layer)(input)
        }
    }

    private func expectPass(_ module: Module, _ name: String, _ golden: Golden, _ format: MemoryFormat) throws
    {
        let given = try golden(name + "/input")
        let input = (given.rank == 4 ? given.to(format) : given).detached().requiringGradient()
        let sources = [("input", input)] + module.parameters.map { ($0.key, $0.parameter.value) }
        let output = apply(module, input, golden[name + "/condition"])
        expectClose(output, try golden(name + "/output"), within: Self.tolerance, "\(name) output")

        let found = gradients(
            of: [output], wrt: sources.map { $0.1 }, seeds: [try golden(name + "/seed")], createGraph: true)
        #expect(Set(golden.below(name + "/gradient.").map(\.key)) == Set(sources.map { $0.0 }))
        for ((key, _), gradient) in zip(sources, found) {
            expectClose(
                gradient, try golden("\(name)/gradient.\(key)"), within: Self.tolerance, "\(name) \(key)")
        }
        let seconds = golden.below(name + "/second.")
        guard !seconds.isEmpty else { return }
        let again = gradients(of: [found[0]!.square().sum()], wrt: sources.map { $0.1 })
        for ((key, _), gradient) in zip(sources, again) {
            guard let expected = golden["\(name)/second.\(key)"] else {
                #expect(gradient == nil || gradient!.abs().max().item() == 0, "\(name) second \(key)")
                continue
            }
            expectClose(gradient, expected, within: Self.tolerance, "\(name) second \(key)")
        }
    }

    /// The power iteration converges to the largest singular value.
    @Test func spectralNormConverges() {
        let layer = SpectralLinear(12, 9, bias: false)
        layer.initialize(RandomSource(seed: 4))
        func largest() -> Double {
            withoutGradients { layer(Tensor.identity(12)).singularValues().max().item() }
        }
        // Accurate in the first pass and exact after many.
        #expect(abs(largest() - 1) < 0.05)
        for _ in 0..<300 { _ = largest() }
        #expect(abs(largest() - 1) < 1e-5)
        let norms = [layer.weightU, layer.weightV].map { $0.value.norm().item() }
        #expect(norms.allSatisfy { abs($0 - 1) < 1e-6 })
    }

    /// A recomputed pass neither updates the vectors nor changes the gradients.
    @Test func recomputedSpectralPass() {
        let (layer, twin) = (SpectralConv2d(3, 5, kernel: 3), SpectralConv2d(3, 5, kernel: 3))
        for each in [layer, twin] { each.initialize(RandomSource(seed: 2)) }
        twin.setCheckpointed()
        let images = Tensor.normal([2, 3, 6, 6], random: RandomSource(seed: 3))
        let found = [layer, twin].map { each in
            gradients(
                of: [each.checkpointed(images).square().sum()], wrt: each.parameters.map(\.parameter.value)
            )
            .map { $0!.floats() }
        }
        #expect(found[0] == found[1])
        #expect(layer.state.contents == twin.state.contents)
    }

    @Test func equalizedLayersStartAtOneSize() {
        let random = RandomSource(seed: 6)
        let conv = EqualizedConv2d(32, 64, kernel: 3)
        let mapping = EqualizedLinear(256, 256, gain: 1, learningRateMultiplier: 0.01, initialBias: 1)
        for layer in [conv, mapping] as [Layer] { layer.initialize(random) }
        #expect(abs(conv.weight.value.standardDeviation().item() - 1) < 0.02)
        #expect(abs(mapping.weight.value.standardDeviation().item() - 100) < 2)
        withoutGradients {
            #expect(conv.bias!.value.abs().max().item() == 0)
            #expect(abs(mapping(Tensor.zeros([1, 256])).mean().item() - 1) < 1e-6)
            // Input with standard deviation 1 produces output with the gain as standard deviation.
            let wide = conv(Tensor.normal([4, 32, 16, 16], random: random)).standardDeviation().item()
            #expect(abs(wide / 2.0.squareRoot() - 1) < 0.05)
        }
    }

    @Test func equalPicturesHaveNoDeviation() {
        let one = Tensor.normal([1, 3, 4, 4], random: RandomSource(seed: 1))
        let output = MinibatchStandardDeviation()(one.repeated([8, 1, 1, 1]))
        #expect(output.shape == [8, 4, 4, 4])
        let channel = output.narrow(1, start: 3, length: 1)
        #expect((channel - 1e-4).abs().max().item() < 1e-9)
    }

    @Test func conditionalNormStartsAsBatchNorm() {
        let random = RandomSource(seed: 8)
        let (norm, plain) = (ConditionalBatchNorm2d(6, conditions: 4), BatchNorm2d(6))
        norm.initialize(random)
        let (input, condition) = (
            Tensor.normal([5, 6, 3, 3], random: random), Tensor.normal([5, 4], random: random)
        )
        expectClose(norm(input, condition), plain(input), within: 1e-6, "output")
        #expect(norm.runningMean.value.floats() == plain.runningMean.value.floats())
    }

    @Test func parameterCounts() {
        #expect(ConditionalBatchNorm2d(256, conditions: 40).parameterCount == 2 * 256 * 41)
        #expect(SpectralConv2d(3, 64, kernel: 4).parameterCount == 3 * 64 * 16 + 64)
        #expect(EqualizedLinear(512, 512).parameterCount == 512 * 513)
        #expect(SpectralLinear(5, 7).state.map(\.key) == ["bias", "weight_orig", "weight_u", "weight_v"])
    }
}
