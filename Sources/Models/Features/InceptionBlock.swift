import Torch
import TorchNN

/// Convolution, batch normalization with running statistics, ReLU. [N, in, H, W] to [N, out, ...].
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

    /// The normalization goes into the weights, which costs less than a pass over the maps.
    override func callAsFunction(_ input: Tensor) -> Tensor {
        let (scale, shift) = bn.folded
        let maps = input.conv2d(
            weight: conv.weight.value * scale.reshape([-1, 1, 1, 1]), bias: shift, stride: conv.stride,
            padding: conv.padding)
        maps.relu_()
        return maps
    }
}

/// Branches side by side, joined along the channels. [N, in, H, W] to [N, sum, ...].
final class InceptionBlock: Layer {
    /// What a branch looks at first.
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

    /// Units one after the other and perhaps, at the end, two side by side.
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
