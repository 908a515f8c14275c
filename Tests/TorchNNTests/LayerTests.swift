import Testing
import Torch
import TorchNN

/// Values and gradients of every layer equal PyTorch.
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
    func batchNormInTrainingAndEvaluation(name: String) throws {
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

    @Test func activationsOverwriteTheirInput() {
        let input = Tensor([-1.0, 2.0])
        let output = Activation.leakyReLU(0.5)(input)
        #expect(output.floats() == [-0.5, 2])
        #expect(input.floats() == [-0.5, 2])
    }

    @Test func trainingModeIsRecursive() {
        let norm = BatchNorm2d(2)
        let network = Sequential(Sequential(Reshape(2), norm), Linear(2, 1))
        #expect(norm.isTraining)
        network.train(false)
        #expect(!norm.isTraining)
        network.train()
        #expect(norm.isTraining)
    }

    /// Compares one forward and backward pass with the golden.
    private func expectPass(
        _ layer: Layer, _ name: String, _ golden: Golden, _ format: MemoryFormat = .contiguous
    ) throws {
        let given = try golden(name + "/input")
        var sources = layer.parameters.map { ($0.key, $0.parameter.value) }
        var input = given
        if given.dtype.isFloatingPoint {
            let leaf = (given.rank == 4 ? given.to(format) : given).detached().requiringGradient()
            sources.append(("input", leaf))
            // Activations overwrite their input, which autograd forbids for leaves.
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

/// A layer with a golden by PyTorch.
struct LayerCase: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable () -> Layer

    init(_ name: String, _ make: @escaping @Sendable () -> Layer) { (self.name, self.make) = (name, make) }

    var testDescription: String { name }

    static let all: [LayerCase] = [
        .init("linear") { Linear(5, 7) },
        .init("linear-plain") { Linear(5, 7, bias: false) },
        .init("conv") { Conv2d(3, 6, kernel: 4, stride: 2, padding: 1) },
        .init("conv-groups") { Conv2d(4, 6, kernel: 3, padding: 1, groups: 2, bias: false) },
        .init("transposed") { ConvTranspose2d(5, 3, kernel: 4, stride: 2, padding: 1, bias: false) },
        .init("transposed-stem") { ConvTranspose2d(6, 4, kernel: 4) },
        .init("transposed-groups") {
            ConvTranspose2d(4, 6, kernel: 5, stride: 2, padding: 2, outputPadding: 1, groups: 2)
        },
        .init("layer-norm") { LayerNorm([6]) },
        .init("layer-norm-picture") { LayerNorm([3, 4, 4]) },
        .init("layer-norm-plain") { LayerNorm([6], affine: false, epsilon: 1e-3) },
        .init("instance-norm") { InstanceNorm2d(3) },
        .init("instance-norm-affine") { InstanceNorm2d(3, affine: true, epsilon: 1e-2) },
        .init("group-norm") { GroupNorm(2, 6) },
        .init("group-norm-plain") { GroupNorm(3, 6, affine: false) },
        .init("pixel-norm") { PixelNorm() },
        .init("pixel-norm-vector") { PixelNorm() },
        .init("upsample") { Upsample() },
        .init("upsample-bilinear") { Upsample(3, mode: .bilinear) },
        .init("downsample") { Downsample() },
        .init("reshape") { Reshape(2, 3, 2) },
        .init("relu") { Activation.relu() },
        .init("leaky-relu") { Activation.leakyReLU() },
        .init("tanh") { Activation.tanh() },
        .init("sigmoid") { Activation.sigmoid() },
        .init("silu") { Activation.silu() },
        .init("gelu") { Activation("gelu") { $0.gelu() } },
        .init("elu") { Activation("elu") { $0.elu(0.7) } },
        .init("softplus") { Activation("softplus") { $0.softplus() } },
        .init("relu6") { Activation.relu6() },
        .init("max-pool") { MaxPool2d(3, stride: 2, padding: 1) },
        .init("max-pool-remainder") { MaxPool2d(3, stride: 2, keepsRemainder: true) },
        .init("conv-rectangular") {
            RectangularConv2d(3, 6, kernel: (1, 5), stride: 2, padding: (0, 2))
        },
        .init("conv-square") {
            RectangularConv2d(3, 6, kernel: (3, 3), padding: (1, 1), bias: false)
        },
        .init("embedding") { Embedding(6, 4) },
    ]
}
