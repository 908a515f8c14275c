import Torch
import TorchNN

/// The convolutions of SqueezeNet 1.1 (Iandola et al. 2016) under torchvision's keys; 0.7 million weights.
///
/// Taps: the first activation and what LPIPS looks at behind it, seven in all; they need 17 pixels a
/// side. Features: 512 means.
public final class SqueezeNet11: ConvolutionalTrunk, TappedNetwork {
    public var name: String { normalization == .caffe ? "squeezenet-caffe" : "squeezenet" }

    /// - Parameter normalization: `.imageNet` for torchvision's weights, `.caffe` for the authors' own.
    public init(normalization: PictureNormalization = .imageNet) {
        func pool() -> Layer { MaxPool2d(3, stride: 2, keepsRemainder: true) }
        super.init(
            [
                Conv2d(3, 64, kernel: 3, stride: 2), Activation.relu(), pool(),
                Fire(64, squeeze: 16, expand: 64), Fire(128, squeeze: 16, expand: 64), pool(),
                Fire(128, squeeze: 32, expand: 128), Fire(256, squeeze: 32, expand: 128), pool(),
                Fire(256, squeeze: 48, expand: 192), Fire(384, squeeze: 48, expand: 192),
                Fire(384, squeeze: 64, expand: 256), Fire(512, squeeze: 64, expand: 256),
            ], tapIndices: [1, 4, 7, 9, 10, 11, 12], tapChannels: [64, 128, 256, 384, 384, 512, 512],
            featureCount: 512, normalization: normalization, side: normalization == .caffe ? 227 : 224)
    }
}

/// Few channels, then two convolutions of them side by side. [N, in, H, W] to [N, 2 expand, H, W].
private final class Fire: Layer {
    let squeeze: Conv2d
    let expand1x1: Conv2d
    let expand3x3: Conv2d

    init(_ inputs: Int, squeeze count: Int, expand: Int) {
        squeeze = Conv2d(inputs, count, kernel: 1)
        expand1x1 = Conv2d(count, expand, kernel: 1)
        expand3x3 = Conv2d(count, expand, kernel: 3, padding: 1)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        let few = squeeze(input)
        few.relu_()
        let both = Tensor.concatenated([expand1x1(few), expand3x3(few)], 1)
        both.relu_()
        return both
    }
}
