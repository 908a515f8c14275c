import Torch
import TorchNN

/// State of a growing network (Karras et al. 2018, arXiv:1710.10196, section 2).
public struct Growth: Sendable, Equatable {
    /// Current side of the pictures: a power of two from 4.
    public var side: Int
    /// Weight of the newest layers in 0...1: 0 is the network of half the side, 1 is fully faded in.
    public var alpha: Double

    /// Creates a state. For side 4, alpha is always 1.
    public init(side: Int, alpha: Double = 1) {
        require(
            side >= 4 && side.nonzeroBitCount == 1,
            "Growth: expected a side that is a power of two from 4, got \(side)")
        require((0...1).contains(alpha), "Growth: expected alpha in 0...1, got \(alpha)")
        (self.side, self.alpha) = (side, side == 4 ? 1 : alpha)
    }

    /// Whether both states use the same layers and fade in the same layers.
    public func hasSameLayers(as other: Growth) -> Bool {
        side == other.side && (alpha < 1) == (other.alpha < 1)
    }

    /// Real pictures [N, 3, R, R] for a discriminator of this state, [N, 3, side, side].
    ///
    /// Pictures are averaged to `side`. While a side fades in, they are interpolated with pictures of half the side,
    /// so that real pictures have no more detail than generated ones.
    /// - Parameters:
    ///   - images: [N, 3, R, R].
    ///   - weight: `alpha`, as a number or tensor; nil for the number.
    public func faded(_ images: Tensor, weight: Factor? = nil) -> Tensor {
        let factor = images.shape[2] / side
        require(
            factor * side == images.shape[2],
            "Growth: expected pictures whose side is a multiple of \(side), got \(images.summary)")
        let full = factor > 1 ? images.averagePool2d(factor, stride: factor) : images
        guard alpha < 1 else { return full }
        return full.averagePool2d(2, stride: 2).upsampledNearest(height: side, width: side)
            .lerp(full, weight: weight ?? .number(alpha))
    }
}

/// Network that starts with small pictures and adds layers for larger ones.
public protocol Growing: Module {
    /// Current state, set by the trainer.
    var growth: Growth { get set }
    /// Weight of the newest layers. Setting `growth` sets it to `growth.alpha`.
    var fade: Factor { get set }
}
