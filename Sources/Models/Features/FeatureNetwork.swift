import Torch
import TorchNN

/// A network whose inner values pictures are judged by; in use, never trained, open to gradients of the pictures.
public protocol FeatureNetwork: Module {
    /// What numbers on these features are named after, such as `inception-pytorch-fid`.
    var name: String { get }

    /// Numbers for each picture.
    var featureCount: Int { get }

    /// [N, 3, H, W] in -1...1, any size, float32, to [N, featureCount]; resizes and normalizes as the network's publisher
    /// does.
    func features(_ images: Tensor) -> Tensor
}

extension FeatureNetwork {
    /// The type's.
    public var name: String { "\(Self.self)" }
}

/// A feature network whose inner maps can be had, too.
public protocol TappedNetwork: FeatureNetwork {
    /// What its pictures must be.
    var normalization: PictureNormalization { get }

    /// Channels of each map that `taps` gives.
    var tapChannels: [Int] { get }

    /// Maps [N, C, h, w] after chosen activations, from the pictures on; takes normalized pictures of any size.
    func taps(_ normalized: Tensor) -> [Tensor]
}

/// What pictures become for a published network; from [N, 3, H, W] RGB in -1...1.
public enum PictureNormalization: Sendable {
    /// RGB in 0...1, less ImageNet's mean, over its deviation; torchvision's networks.
    case imageNet
    /// BGR in 0...255, less (104, 117, 123); Caffe's networks.
    case caffe
    /// ImageNet's, for pictures in -1...1, rounded to three digits; the scaling layer of LPIPS 0.1.
    case lpips

    /// The normalized pictures.
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

/// What the sequential networks of torchvision have in common: layers under the key `features`, some of them tapped.
public class ConvolutionalTrunk: Module {
    /// Channels of each map that `taps` gives.
    public let tapChannels: [Int]
    /// Of the last layer.
    public let featureCount: Int
    /// What its pictures must be.
    public let normalization: PictureNormalization
    private let layers: [Layer]
    private let tapIndices: [Int]
    private let side: Int

    /// - Parameters:
    ///   - tapIndices: layers whose outputs `taps` gives, ascending.
    ///   - side: of the pictures that `features` looks at.
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

    public override var parts: [(key: String, part: Part)] {
        layers.enumerated().map { ("features.\($0)", .module($1)) }
    }

    /// Maps [N, C, h, w] after chosen activations, from the pictures on; takes normalized pictures of any size.
    public func taps(_ normalized: Tensor) -> [Tensor] {
        var found: [Tensor] = []
        var value = normalized
        for (index, layer) in layers.prefix((tapIndices.last ?? -1) + 1).enumerated() {
            value = layer(value)
            if tapIndices.contains(index) { found.append(value) }
        }
        return found
    }

    /// [N, 3, H, W] in -1...1, any size, to [N, featureCount]: the means of the last layer's maps.
    ///
    /// The whole picture is resized, antialiased; the publisher cuts its middle out, which would cost a face its hair.
    public func features(_ images: Tensor) -> Tensor {
        let input = normalization(images.resized(toSide: side))
        return layers.reduce(input) { $1($0) }.mean([2, 3])
    }
}

extension Tensor {
    /// Pictures [N, C, H, W] as squares of another side, antialiased.
    public func resized(toSide side: Int) -> Tensor {
        let shape = shape
        return shape[2] == side && shape[3] == side ? self : resizedBilinear(height: side, width: side)
    }
}

/// The convolutions of AlexNet (Krizhevsky 2014, one tower) under torchvision's keys; 2.5 million weights.
///
/// Taps: the five activations. Features: 256 means. Taps need 31 pixels a side.
public final class AlexNet: ConvolutionalTrunk, TappedNetwork {
    public var name: String { "alexnet" }

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

/// The convolutions of VGG-16 (Simonyan and Zisserman 2015) under torchvision's keys; 14.7 million weights.
///
/// Taps: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3. Features: 512 means. Taps need 16 pixels a side.
public final class VGG16: ConvolutionalTrunk, TappedNetwork {
    public var name: String { "vgg16" }

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
