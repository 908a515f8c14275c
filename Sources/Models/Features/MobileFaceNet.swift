import Torch
import TorchNN

/// MobileFaceNet (Chen et al. 2018) in the variant of the foamliu/MobileFaceNet repository. Pictures of a face to 128
/// features, whose angle measures identity. One million weights.
///
/// Expects cropped faces, as in the box (55, 46, 195, 186) of deep-funneled LFW pictures. A box that is eight pixels
/// higher reduces the verification accuracy on LFW by five percentage points.
public final class MobileFaceNet: Module, FeatureNetwork {
    /// `mobilefacenet`.
    public var name: String { "mobilefacenet" }
    /// Length of a feature vector: 128.
    public let featureCount = 128

    let conv1: Sequential
    let dwConv: Separable
    let blocks: Sequential
    let conv2: Sequential
    let gdconv: Pooling
    let conv3: Conv2d
    let bn: BatchNorm2d

    /// Creates the network with uninitialized weights.
    public override init() {
        conv1 = Sequential(Self.unit(3, 64, kernel: 3, stride: 2))
        dwConv = Separable(64)
        var inputs = 64
        var blocks: [Layer] = []
        let stages = [(2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)]
        for (expansion, outputs, count, stride) in stages {
            for index in 0..<count {
                blocks.append(Bottleneck(inputs, outputs, expansion, stride: index == 0 ? stride : 1))
                inputs = outputs
            }
        }
        self.blocks = Sequential(blocks)
        conv2 = Sequential(Self.unit(inputs, 512, kernel: 1))
        gdconv = Pooling(512, kernel: 7)
        conv3 = Conv2d(512, 128, kernel: 1)
        bn = BatchNorm2d(128)
        super.init()
        train(false)
        freeze()
    }

    /// Layers under the keys of the published weights.
    public override var parts: [(key: String, part: Part)] {
        super.parts.map { ($0.key == "blocks" ? "features" : $0.key, $0.part) }
    }

    /// Computes features [N, 128] of cropped faces [N, 3, H, W] in -1...1, any size.
    public func features(_ images: Tensor) -> Tensor {
        let input = PictureNormalization.imageNet(images.resized(toSide: 112))
        return bn(conv3(gdconv(conv2(blocks(dwConv(conv1(input))))))).flattened(from: 1)
    }

    /// Cosine similarity [N] in -1...1 of features [N, 128] and [N, 128].
    public static func similarity(_ a: Tensor, _ b: Tensor) -> Tensor {
        (a * b).sum([1]) / (a.norm([1]) * b.norm([1])).clampedBelow(1e-12)
    }

    /// Convolution, batch normalization and ReLU6.
    fileprivate static func unit(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1)
        -> [Layer]
    {
        [
            Conv2d(
                inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, groups: groups,
                bias: false),
            BatchNorm2d(outputs), Activation.relu6(),
        ]
    }

    /// Depthwise separable convolution: one per channel, then a 1 x 1 convolution.
    final class Separable: Layer {
        let depthwise: Conv2d
        let pointwise: Conv2d
        let bn1: BatchNorm2d
        let bn2: BatchNorm2d

        init(_ channels: Int) {
            depthwise = Conv2d(channels, channels, kernel: 3, padding: 1, groups: channels, bias: false)
            pointwise = Conv2d(channels, channels, kernel: 1, bias: false)
            bn1 = BatchNorm2d(channels)
            bn2 = BatchNorm2d(channels)
        }

        override func callAsFunction(_ input: Tensor) -> Tensor {
            bn2(pointwise(bn1(depthwise(input)).relu())).relu()
        }
    }

    /// Inverted residual block: expansion, depthwise convolution, projection. Added to the input if the shapes are
    /// equal.
    final class Bottleneck: Layer {
        let conv: Sequential
        private let isResidual: Bool

        init(_ inputs: Int, _ outputs: Int, _ expansion: Int, stride: Int) {
            let inner = inputs * expansion
            conv = Sequential(
                Sequential(unit(inputs, inner, kernel: 1)),
                Sequential(unit(inner, inner, kernel: 3, stride: stride, groups: inner)),
                Conv2d(inner, outputs, kernel: 1, bias: false), BatchNorm2d(outputs))
            isResidual = stride == 1 && inputs == outputs
        }

        override func callAsFunction(_ input: Tensor) -> Tensor {
            isResidual ? input + conv(input) : conv(input)
        }
    }

    /// Global depthwise convolution: a weighted sum over all positions per channel.
    final class Pooling: Layer {
        let depthwise: Conv2d
        let bn: BatchNorm2d

        init(_ channels: Int, kernel: Int) {
            depthwise = Conv2d(channels, channels, kernel: kernel, groups: channels, bias: false)
            bn = BatchNorm2d(channels)
        }

        override func callAsFunction(_ input: Tensor) -> Tensor { bn(depthwise(input)) }
    }
}
