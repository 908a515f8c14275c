import Torch
import TorchNN

/// Pretrained network whose features metrics and losses use. It is frozen and in evaluation mode, but gradients flow
/// to the pictures.
public protocol FeatureNetwork: Module {
    /// Name of the features in scores, such as `inception-pytorch-fid`.
    var name: String { get }

    /// Length F of a feature vector.
    var featureCount: Int { get }

    /// Computes features. Resizes and normalizes as the publisher of the network does.
    /// - Parameter images: [N, 3, H, W] in -1...1, any size, float32.
    /// - Returns: [N, F].
    func features(_ images: Tensor) -> Tensor
}

extension FeatureNetwork {
    /// Name of the type.
    public var name: String { "\(Self.self)" }
}

/// Feature network that also returns intermediate feature maps.
public protocol TappedNetwork: FeatureNetwork {
    /// Normalization of the input pictures.
    var normalization: PictureNormalization { get }

    /// Channels of each map that `taps` returns.
    var tapChannels: [Int] { get }

    /// Computes maps [N, C, h, w] after selected activations, from input to output.
    /// - Parameter normalized: normalized pictures [N, 3, H, W] of any size.
    func taps(_ normalized: Tensor) -> [Tensor]
}

/// Input normalization of a pretrained network, applied to [N, 3, H, W] RGB in -1...1.
public enum PictureNormalization: Sendable {
    /// (x - mean) / deviation of ImageNet for RGB in 0...1, as in torchvision.
    case imageNet
    /// BGR in 0...255 minus (104, 117, 123), as in Caffe.
    case caffe
    /// ImageNet normalization for pictures in -1...1, rounded to three digits: the scaling layer of LPIPS 0.1.
    case lpips

    /// Normalized pictures [N, 3, H, W].
    public func callAsFunction(_ images: Tensor) -> Tensor {
        switch self {
        case .imageNet:
            ((images + 1) / 2 - color([0.485, 0.456, 0.406], images))
                / color([0.229, 0.224, 0.225], images)
        case .caffe: images.flipped([1]).levels - color([104, 117, 123], images)
        case .lpips:
            (images - color([-0.030, -0.088, -0.188], images)) / color([0.458, 0.448, 0.450], images)
        }
    }

    private func color(_ values: [Float], _ images: Tensor) -> Tensor {
        Tensor(values, shape: [1, 3, 1, 1]).to(images.device)
    }
}

/// Sequential torchvision network: layers under the key `features`, some of them with taps.
public class ConvolutionalTrunk: Module {
    /// Channels of each map that `taps` returns.
    public let tapChannels: [Int]
    /// Channels of the last layer.
    public let featureCount: Int
    /// Normalization of the input pictures.
    public let normalization: PictureNormalization
    private let layers: [Layer]
    private let tapIndices: [Int]
    private let side: Int

    /// - Parameters:
    ///   - tapIndices: layers whose outputs `taps` returns, ascending.
    ///   - side: side of the resized pictures in `features`.
    init(
        _ layers: [Layer], tapIndices: [Int], tapChannels: [Int], featureCount: Int,
        normalization: PictureNormalization, side: Int
    ) {
        (self.layers, self.tapIndices, self.tapChannels) = (layers, tapIndices, tapChannels)
        (self.featureCount, self.normalization, self.side) = (featureCount, normalization, side)
        super.init()
        train(false)
        freeze()
    }

    /// Layers under the keys of torchvision.
    public override var parts: [(key: String, part: Part)] {
        layers.enumerated().map { ("features.\($0)", .module($1)) }
    }

    /// Computes maps [N, C, h, w] after selected activations, from input to output.
    /// - Parameter normalized: normalized pictures [N, 3, H, W] of any size.
    public func taps(_ normalized: Tensor) -> [Tensor] {
        var found: [Tensor] = []
        var value = normalized
        for (index, layer) in layers.prefix((tapIndices.last ?? -1) + 1).enumerated() {
            value = layer(value)
            if tapIndices.contains(index) { found.append(value) }
        }
        return found
    }

    /// Computes features [N, featureCount] of pictures [N, 3, H, W] in -1...1, any size: means of the last maps.
    ///
    /// The whole picture is resized with antialiasing. torchvision crops the center, which would remove the hair of a
    /// face.
    public func features(_ images: Tensor) -> Tensor {
        let input = normalization(images.resized(toSide: side))
        return layers.reduce(input) { $1($0) }.mean([2, 3])
    }
}

extension Tensor {
    /// Pictures [N, C, H, W] resized to [N, C, side, side], bilinear with antialiasing.
    public func resized(toSide side: Int) -> Tensor {
        let shape = shape
        return shape[2] == side && shape[3] == side ? self : resizedBilinear(height: side, width: side)
    }
}

/// Convolutions of AlexNet (Krizhevsky 2014, one tower) under the keys of torchvision; 2.5 million weights.
///
/// Taps: the five activations. Features: 256 means. Taps require sides of 31 pixels or more.
public final class AlexNet: ConvolutionalTrunk, TappedNetwork {
    /// `alexnet`.
    public var name: String { "alexnet" }

    /// Creates the network with uninitialized weights.
    public init() {
        super.init(
            [
                Conv2d(3, 64, kernel: 11, stride: 4, padding: 2), Activation.relu(), MaxPool2d(3, stride: 2),
                Conv2d(64, 192, kernel: 5, padding: 2), Activation.relu(), MaxPool2d(3, stride: 2),
                Conv2d(192, 384, kernel: 3, padding: 1), Activation.relu(),
                Conv2d(384, 256, kernel: 3, padding: 1), Activation.relu(),
                Conv2d(256, 256, kernel: 3, padding: 1), Activation.relu(), MaxPool2d(3, stride: 2),
            ], tapIndices: [1, 4, 7, 9, 11], tapChannels: [64, 192, 384, 256, 256], featureCount: 256,
            normalization: .imageNet, side: 224)
    }
}

/// Convolutions of VGG-16 (Simonyan and Zisserman 2015) under the keys of torchvision; 14.7 million weights.
///
/// Taps: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3. Features: 512 means. Taps require sides of 16 pixels or more.
public final class VGG16: ConvolutionalTrunk, TappedNetwork {
    /// `vgg16`.
    public var name: String { "vgg16" }

    /// Creates the network with uninitialized weights.
    public init() {
        var layers: [Layer] = []
        var inputs = 3
        for (outputs, count) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
            for _ in 0..<count {
                layers += [Conv2d(inputs, outputs, kernel: 3, padding: 1), Activation.relu()]
                inputs = outputs
            }
            layers.append(MaxPool2d(2, stride: 2))
        }
        super.init(
            layers, tapIndices: [3, 8, 15, 22, 29], tapChannels: [64, 128, 256, 512, 512], featureCount: 512,
            normalization: .imageNet, side: 224)
    }
}

/// Convolutions of SqueezeNet 1.1 (Iandola et al. 2016) under the keys of torchvision; 0.7 million weights.
///
/// Taps: the seven activations that LPIPS uses. They require sides of 17 pixels or more. Features: 512 means.
public final class SqueezeNet11: ConvolutionalTrunk, TappedNetwork {
    /// `squeezenet` or, with Caffe normalization, `squeezenet-caffe`.
    public var name: String { normalization == .caffe ? "squeezenet-caffe" : "squeezenet" }

    /// Creates the network with uninitialized weights.
    /// - Parameter normalization: `.imageNet` for the weights of torchvision, `.caffe` for those of the authors.
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

/// Fire module: 1 x 1 convolution to few channels, then a 1 x 1 and a 3 x 3 convolution in parallel. [N, in, H, W] to
/// [N, 2 expand, H, W].
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
        let squeezed = squeeze(input)
        squeezed.relu_()
        let expanded = Tensor.concatenated([expand1x1(squeezed), expand3x3(squeezed)], 1)
        expanded.relu_()
        return expanded
    }
}
