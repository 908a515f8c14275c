import Torch
import TorchNN

/// Distance between pictures by the inner maps of a network (Zhang et al. 2018), version 0.1; a loss as well.
public final class LPIPS: Module {
    /// What the distance is called. Only the networks that the heads were calibrated on give LPIPS.
    public let name: String
    /// Non-negative weights of the squared differences.
    public let heads: Heads
    private let trunk: any TappedNetwork

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

    /// The heads and the trunk, so that both move to a device.
    public override var parts: [(key: String, part: Part)] {
        [("heads", .module(heads)), ("trunk", .module(trunk))]
    }

    /// Distances [N] >= 0 of pictures [N, 3, H, W] in -1...1, of one size, float32.
    public func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
        require(
            a.shape == b.shape, "LPIPS: expected pictures of one shape, got \(a.summary) and \(b.summary)")
        // The scaling layer stands for ImageNet's normalization.
        let normalization = trunk.normalization == .imageNet ? .lpips : trunk.normalization
        let maps = trunk.taps(normalization(Tensor.concatenated([a, b])))
        let distances = zip(maps, heads.weights).map { map, weight in
            let unit = Self.unit(map).chunks(2)
            return ((unit[0] - unit[1]).square() * weight.value).sum([1]).mean([1, 2])
        }
        return distances.dropFirst().reduce(distances[0]) { $0 + $1 }
    }

    /// Each pixel's channels at length one. A norm has a gradient at zero, which the root of a sum of squares has not.
    private static func unit(_ map: Tensor) -> Tensor { map / (map.norm([1], keep: true) + 1e-10) }

    /// The linear layers, under the keys of the authors' files: `lin0.model.1.weight` and on, each [1, C, 1, 1].
    public final class Heads: Module {
        let weights: [Parameter]

        init(_ channels: [Int]) { weights = channels.map { Parameter(onesOf: [1, $0, 1, 1]) } }

        public override var parts: [(key: String, part: Part)] {
            weights.enumerated().map { ("lin\($0).model.1.weight", .parameter($1)) }
        }
    }
}
