import Torch
import TorchNN

/// Learned perceptual distance of pictures (Zhang et al. 2018, arXiv:1801.03924, equation 1), version 0.1. Also
/// usable as a loss.
public final class LPIPS: Module {
    /// Name of the distance in scores. It contains LPIPS only for networks with calibrated heads.
    public let name: String
    /// Non-negative weights of the squared differences.
    public let heads: Heads
    private let trunk: any TappedNetwork

    /// Creates a distance with uninitialized heads.
    /// - Parameter trunk: `VGG16`, `AlexNet` or `SqueezeNet11`.
    public init(_ trunk: any TappedNetwork) {
        self.trunk = trunk
        heads = Heads(trunk.tapChannels)
        name =
            switch trunk.name {
            case "vgg16": "LPIPS 0.1 (vgg)"
            case "alexnet": "LPIPS 0.1 (alex)"
            case "squeezenet": "LPIPS 0.1 (squeeze)"
            case "squeezenet-caffe": "squeeze perceptual distance"
            default: "\(trunk.name) perceptual distance"
            }
        super.init()
        train(false)
        freeze()
    }

    /// Heads and trunk, so that both move to a device.
    public override var parts: [(key: String, part: Part)] {
        [("heads", .module(heads)), ("trunk", .module(trunk))]
    }

    /// Computes distances [N], 0 or larger, of pictures [N, 3, H, W] in -1...1, float32.
    public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
        require(
            a.shape == b.shape, "LPIPS: expected pictures of one shape, got \(a.summary) and \(b.summary)")
        // LPIPS replaces the ImageNet normalization by its scaling layer.
        let normalization = trunk.normalization == .imageNet ? .lpips : trunk.normalization
        let maps = trunk.taps(normalization(Tensor.concatenated([a, b])))
        let distances = zip(maps, heads.weights).map { map, weight in
            let unit = Self.unit(map).chunks(2)
            return ((unit[0] - unit[1]).square() * weight.value).sum([1]).mean([1, 2])
        }
        return distances.dropFirst().reduce(distances[0]) { $0 + $1 }
    }

    /// Channels of each pixel scaled to unit length, [N, C, H, W]. `norm` has a gradient at zero, unlike the root of
    /// a sum of squares.
    private static func unit(_ map: Tensor) -> Tensor { map / (map.norm([1], keep: true) + 1e-10) }

    /// Linear layers under the keys of the authors' files: `lin0.model.1.weight` etc., each [1, C, 1, 1].
    public final class Heads: Module {
        let weights: [Parameter]

        init(_ channels: [Int]) { weights = channels.map { Parameter(onesOf: [1, $0, 1, 1]) } }

        /// Weights under the keys of the authors' files.
        public override var parts: [(key: String, part: Part)] {
            weights.enumerated().map { ("lin\($0).model.1.weight", .parameter($1)) }
        }
    }
}
