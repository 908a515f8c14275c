import Testing
import Torch
import TorchNN

/// Initial values equal those of `torch.nn.init` for the same seed.
@Suite struct InitializerTests {
    static let all: [(name: String, initializer: Initializer)] = [
        ("normal", .normal(deviation: 0.02)),
        ("xavier-uniform", .xavierUniform()),
        ("xavier-uniform-gain", .xavierUniform(gain: 2.0.squareRoot())),
        ("xavier-normal", .xavierNormal(gain: 0.5)),
        ("he-uniform", .heUniform()),
        ("he-uniform-slope", .heUniform(slope: 0.2)),
        ("he-normal", .heNormal()),
        ("he-normal-slope", .heNormal(slope: 0.2)),
        ("orthogonal", .orthogonal()),
        ("orthogonal-gain", .orthogonal(gain: 1.5)),
    ]

    @Test(arguments: all, [[7, 5], [5, 7], [6, 3, 4, 4]])
    func equalsPyTorch(_ example: (name: String, initializer: Initializer), shape: [Int]) throws {
        let expected = try Golden("initializers")(
            example.name + "/" + shape.map(String.init).joined(separator: "x"))
        for format in [MemoryFormat.contiguous, .channelsLast] where shape.count == 4 || format == .contiguous
        {
            let tensor = Tensor.zeros(shape).to(format)
            example.initializer.fill(tensor, random: RandomSource(seed: 11))
            // Kernels for other processors round differently.
            expectClose(tensor, expected, within: 1e-5, example.name)
        }
    }

    @Test func layersEqualPyTorch() throws {
        let golden = try Golden("initializers")
        let layers: [(name: String, layer: Layer)] = [
            ("linear", Linear(5, 7)), ("conv", Conv2d(4, 6, kernel: 3, groups: 2)),
            ("transposed", ConvTranspose2d(4, 6, kernel: 3, groups: 2)), ("embedding", Embedding(6, 4)),
        ]
        for (name, layer) in layers {
            layer.initialize(RandomSource(seed: 12))
            for (key, tensor) in layer.state {
                expectClose(
                    tensor, try golden("default-\(name)/\(key)"), within: 1e-5, "\(name) \(key)")
            }
        }
        let norm = BatchNorm2d(37, deviation: 0.02)
        norm.initialize(RandomSource(seed: 13))
        expectClose(norm.weight.value, try golden("batch-norm/weight"), within: 1e-6, "batch norm")
        #expect(norm.bias.value.floats().allSatisfy { $0 == 0 })
    }

    @Test func defaultBoundsAreOneOverTheRootOfTheInputs() {
        let layer = Conv2d(16, 64, kernel: 5)
        layer.initialize(RandomSource(seed: 1))
        let bound = 1 / Double(16 * 25).squareRoot()
        for tensor in [layer.weight.value, layer.bias!.value] {
            let largest = tensor.abs().max().item()
            #expect(largest <= bound && largest > 0.95 * bound)
        }
    }

    @Test func anotherInitializerStartsTheBiasAtZero() {
        let layer = Linear(3, 5, initializer: .xavierNormal())
        layer.bias!.value.detached().fill_(3)
        layer.initialize(RandomSource(seed: 1))
        #expect(layer.bias!.value.floats() == [0, 0, 0, 0, 0])
    }

    @Test func orthogonalRowsOrColumnsAreOrthonormal() {
        for shape in [[4, 9], [9, 4]] {
            let tensor = Tensor.zeros(shape)
            Initializer.orthogonal().fill(tensor, random: RandomSource(seed: 5))
            let product =
                shape[0] < shape[1]
                ? tensor.matmul(tensor.transposed(0, 1)) : tensor.transposed(0, 1).matmul(tensor)
            #expect(difference(product, Tensor.identity(4)) < 1e-5)
        }
    }

    @Test func constants() {
        let tensor = Tensor.zeros([2, 2])
        Initializer.constant(0.5).fill(tensor, random: RandomSource(seed: 1))
        #expect(tensor.floats() == [0.5, 0.5, 0.5, 0.5])
        Initializer.zeros.fill(tensor, random: RandomSource(seed: 1))
        #expect(tensor.floats() == [0, 0, 0, 0])
    }
}
