import Torch
import TorchNN

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
