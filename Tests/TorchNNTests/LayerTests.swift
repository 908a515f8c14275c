import Testing
import Torch
import TorchNN

/// Values and gradients of every layer against PyTorch's.
@Suite struct LayerTests {
    private static let tolerance = 1e-5

    @Test(arguments: LayerCase.all, [MemoryFormat.contiguous, .channelsLast])
    func equalsPyTorch(_ example: LayerCase, format: MemoryFormat) throws {
        let golden = try Golden("layers")
        let layer = example.make()
        layer.initialize(RandomSource(seed: 1))
        try layer.load(golden.below(example.name + "/state."))
        layer.move(to: .cpu, format: format)
        try expectPass(layer, example.name, golden, format)
    }

    @Test(arguments: ["batch-norm", "batch-norm-vector"])
    func batchNormFollowsThreeBatchesAndIsThenUsed(name: String) throws {
        let golden = try Golden("layers")
        let norm = BatchNorm2d(3, momentum: 0.3, epsilon: 1e-3)
        try norm.load(golden.below(name + "/state."))
        for step in 0..<3 { try expectPass(norm, "\(name)-\(step)", golden) }
        let after = golden.below(name + "/after.")
        #expect(after.count == 5)
        for (key, tensor) in norm.state {
            expectClose(tensor, try golden(name + "/after." + key), within: Self.tolerance, key)
        }
        #expect(norm.numBatchesTracked.value.dtype == .int64)
        #expect(norm.numBatchesTracked.value.integers() == [3])

        norm.train(false)
        let before = norm.state.cloned().contents
        try expectPass(norm, name + "-use", golden)
        #expect(norm.state.contents == before)
    }

    @Test func activationsWriteIntoTheirInput() {
        let input = Tensor([-1.0, 2.0])
        let output = Activation.leakyReLU(0.5)(input)
        #expect(output.floats() == [-0.5, 2])
        #expect(input.floats() == [-0.5, 2])
    }

    @Test func trainingReachesEveryPart() {
        let norm = BatchNorm2d(2)
        let network = Sequential(Sequential(Reshape(2), norm), Linear(2, 1))
        #expect(norm.isTraining)
        network.train(false)
        #expect(!norm.isTraining)
        network.train()
        #expect(norm.isTraining)
    }

    /// One pass forward and back.
    private func expectPass(
        _ layer: Layer, _ name: String, _ golden: Golden, _ format: MemoryFormat = .contiguous
    ) throws {
        let given = try golden(name + "/input")
        var sources = layer.parameters.map { ($0.key, $0.parameter.value) }
        var input = given
        if given.dtype.isFloatingPoint {
            let leaf = (given.rank == 4 ? given.to(format) : given).detached().requiringGradient()
            sources.append(("input", leaf))
            // Activations write into their input, which a leaf does not allow.
            input = leaf * 1
        }
        let output = layer(input)
        expectClose(output, try golden(name + "/output"), within: Self.tolerance, "\(name) output")

        let found = gradients(
            of: [output], wrt: sources.map { $0.1 }, seeds: [try golden(name + "/seed")])
        #expect(Set(golden.below(name + "/gradient.").map(\.key)) == Set(sources.map { $0.0 }))
        for ((key, _), gradient) in zip(sources, found) {
            expectClose(
                gradient, try golden("\(name)/gradient.\(key)"), within: Self.tolerance, "\(name) \(key)")
        }
    }
}
