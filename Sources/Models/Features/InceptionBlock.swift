import Torch
import TorchNN

/// Convolution, batch normalization with running statistics, and ReLU. [N, in, H, W] to [N, out, h, w].
final class InceptionUnit: Layer {
    let conv: RectangularConv2d
    let bn: BatchNorm2d

    init(
        _ inputs: Int, _ outputs: Int, _ kernel: RectangularConv2d.Sides, stride: Int = 1,
        padding: RectangularConv2d.Sides = (0, 0)
    ) {
        conv = RectangularConv2d(
            inputs, outputs, kernel: kernel, stride: stride, padding: padding, bias: false)
        bn = BatchNorm2d(outputs, epsilon: 1e-3)
    }

    /// Folds the normalization into the weights, which costs less than a pass over the maps.
    override func callAsFunction(_ input: Tensor) -> Tensor {
        let (scale, shift) = bn.folded
        let maps = input.conv2d(
            weight: conv.weight.value * scale.reshape([-1, 1, 1, 1]), bias: shift, stride: conv.stride,
            padding: conv.padding)
        maps.relu_()
        return maps
    }
}

/// Parallel branches, concatenated along the channels. [N, in, H, W] to [N, sum, h, w].
final class InceptionBlock: Layer {
    /// Pooling at the start of a branch.
    enum Pool {
        case none
        case mean(countsPadding: Bool)
        case maximum(stride: Int)

        func callAsFunction(_ input: Tensor) -> Tensor {
            switch self {
            case .none: input
            case .mean(let countsPadding):
                input.averagePool2d(3, stride: 1, padding: 1, countsPadding: countsPadding)
            case .maximum(let stride): input.maxPool2d(3, stride: stride, padding: stride == 1 ? 1 : 0)
            }
        }
    }

    /// Units in sequence and, optionally, two parallel units at the end.
    struct Branch {
        var pool = Pool.none
        var chain: [(key: String, unit: InceptionUnit)]
        var fork: [(key: String, unit: InceptionUnit)] = []

        func callAsFunction(_ input: Tensor) -> [Tensor] {
            let value = chain.reduce(pool(input)) { $1.unit($0) }
            return fork.isEmpty ? [value] : fork.map { $0.unit(value) }
        }
    }

    private let branches: [Branch]

    init(_ branches: [Branch]) { self.branches = branches }

    override var parts: [(key: String, part: Part)] {
        branches.flatMap { $0.chain + $0.fork }.map { ($0.key, .module($0.unit)) }
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        Tensor.concatenated(branches.flatMap { $0(input) }, 1)
    }
}

private typealias Branch = InceptionBlock.Branch
private typealias Named = (key: String, unit: InceptionUnit)

/// Unit with padding that preserves the size or, with a stride, without padding.
private func unit(
    _ key: String, _ inputs: Int, _ outputs: Int, _ rows: Int = 1, _ columns: Int? = nil, stride: Int = 1
) -> Named {
    let columns = columns ?? rows
    let padding = stride == 1 ? (rows / 2, columns / 2) : (0, 0)
    return (key, InceptionUnit(inputs, outputs, (rows, columns), stride: stride, padding: padding))
}

extension InceptionBlock {
    /// Layers in order. Layers without values have no key.
    static func network(_ edition: Inception.Edition) -> [(key: String, layer: Layer)] {
        let means = Pool.mean(countsPadding: edition == .torchvision)
        let last = edition == .torchvision ? means : .maximum(stride: 1)
        return [
            ("Conv2d_1a_3x3", InceptionUnit(3, 32, (3, 3), stride: 2)),
            ("Conv2d_2a_3x3", InceptionUnit(32, 32, (3, 3))),
            ("Conv2d_2b_3x3", InceptionUnit(32, 64, (3, 3), padding: (1, 1))),
            ("", MaxPool2d(3, stride: 2)),
            ("Conv2d_3b_1x1", InceptionUnit(64, 80, (1, 1))),
            ("Conv2d_4a_3x3", InceptionUnit(80, 192, (3, 3))),
            ("", MaxPool2d(3, stride: 2)),
            ("Mixed_5b", a(192, pooled: 32, means)), ("Mixed_5c", a(256, pooled: 64, means)),
            ("Mixed_5d", a(288, pooled: 64, means)), ("Mixed_6a", b(288)),
            ("Mixed_6b", c(768, 128, means)), ("Mixed_6c", c(768, 160, means)),
            ("Mixed_6d", c(768, 160, means)), ("Mixed_6e", c(768, 192, means)), ("Mixed_7a", d(768)),
            ("Mixed_7b", e(1280, means)), ("Mixed_7c", e(2048, last)),
        ]
    }

    /// Auxiliary classifier of torchvision, which is loaded but never called.
    static var auxiliaryClassifier: [(key: String, part: Part)] {
        [
            ("AuxLogits.conv0", .module(InceptionUnit(768, 128, (1, 1)))),
            ("AuxLogits.conv1", .module(InceptionUnit(128, 768, (5, 5)))),
            ("AuxLogits.fc", .module(Linear(768, 1000))),
        ]
    }

    // The letters of the blocks and the keys are those of torchvision.

    /// Block for 35 x 35 maps.
    private static func a(_ inputs: Int, pooled: Int, _ pool: Pool) -> InceptionBlock {
        InceptionBlock([
            Branch(chain: [unit("branch1x1", inputs, 64)]),
            Branch(chain: [unit("branch5x5_1", inputs, 48), unit("branch5x5_2", 48, 64, 5)]),
            Branch(chain: [
                unit("branch3x3dbl_1", inputs, 64), unit("branch3x3dbl_2", 64, 96, 3),
                unit("branch3x3dbl_3", 96, 96, 3),
            ]),
            Branch(pool: pool, chain: [unit("branch_pool", inputs, pooled)]),
        ])
    }

    /// Block from 35 x 35 to 17 x 17 maps.
    private static func b(_ inputs: Int) -> InceptionBlock {
        InceptionBlock([
            Branch(chain: [unit("branch3x3", inputs, 384, 3, stride: 2)]),
            Branch(chain: [
                unit("branch3x3dbl_1", inputs, 64), unit("branch3x3dbl_2", 64, 96, 3),
                unit("branch3x3dbl_3", 96, 96, 3, stride: 2),
            ]),
            Branch(pool: .maximum(stride: 2), chain: []),
        ])
    }

    /// Block for 17 x 17 maps.
    private static func c(_ inputs: Int, _ inner: Int, _ pool: Pool) -> InceptionBlock {
        InceptionBlock([
            Branch(chain: [unit("branch1x1", inputs, 192)]),
            Branch(chain: [
                unit("branch7x7_1", inputs, inner), unit("branch7x7_2", inner, inner, 1, 7),
                unit("branch7x7_3", inner, 192, 7, 1),
            ]),
            Branch(chain: [
                unit("branch7x7dbl_1", inputs, inner), unit("branch7x7dbl_2", inner, inner, 7, 1),
                unit("branch7x7dbl_3", inner, inner, 1, 7), unit("branch7x7dbl_4", inner, inner, 7, 1),
                unit("branch7x7dbl_5", inner, 192, 1, 7),
            ]),
            Branch(pool: pool, chain: [unit("branch_pool", inputs, 192)]),
        ])
    }

    /// Block from 17 x 17 to 8 x 8 maps.
    private static func d(_ inputs: Int) -> InceptionBlock {
        InceptionBlock([
            Branch(chain: [
                unit("branch3x3_1", inputs, 192), unit("branch3x3_2", 192, 320, 3, stride: 2),
            ]),
            Branch(chain: [
                unit("branch7x7x3_1", inputs, 192), unit("branch7x7x3_2", 192, 192, 1, 7),
                unit("branch7x7x3_3", 192, 192, 7, 1), unit("branch7x7x3_4", 192, 192, 3, stride: 2),
            ]),
            Branch(pool: .maximum(stride: 2), chain: []),
        ])
    }

    /// Block for 8 x 8 maps.
    private static func e(_ inputs: Int, _ pool: Pool) -> InceptionBlock {
        InceptionBlock([
            Branch(chain: [unit("branch1x1", inputs, 320)]),
            Branch(
                chain: [unit("branch3x3_1", inputs, 384)],
                fork: [unit("branch3x3_2a", 384, 384, 1, 3), unit("branch3x3_2b", 384, 384, 3, 1)]),
            Branch(
                chain: [unit("branch3x3dbl_1", inputs, 448), unit("branch3x3dbl_2", 448, 384, 3)],
                fork: [unit("branch3x3dbl_3a", 384, 384, 1, 3), unit("branch3x3dbl_3b", 384, 384, 3, 1)]),
            Branch(pool: pool, chain: [unit("branch_pool", inputs, 192)]),
        ])
    }
}
