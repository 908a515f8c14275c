import Torch
import TorchNN

/// How far growing networks have grown (Karras et al. 2018, section 2).
public struct Growth: Sendable, Equatable {
    /// Side of the pictures now: a power of two from 4.
    public var side: Int
    /// How much of the newest layers counts: 0 leaves the network of half the side, 1 is faded in.
    public var alpha: Double

    public init(side: Int, alpha: Double = 1) {
        require(
            side >= 4 && side.nonzeroBitCount == 1,
            "Growth: expected a side that is a power of two from 4, got \(side)")
        require((0...1).contains(alpha), "Growth: expected alpha in 0...1, got \(alpha)")
        (self.side, self.alpha) = (side, side == 4 ? 1 : alpha)
    }

    /// Whether the same layers are at work, and the same ones fading in.
    public func hasSameLayers(as other: Growth) -> Bool {
        side == other.side && (alpha < 1) == (other.alpha < 1)
    }

    /// Pictures [N, 3, R, R] as a discriminator of this growth sees them, [N, 3, side, side]: means of squares, and while a
    /// side fades in, mixed with those of half the side, so that reals are never sharper than what can be generated.
    public func faded(_ images: Tensor) -> Tensor {
        let factor = images.shape[2] / side
        require(
            factor * side == images.shape[2], "Growth: cannot take \(images.summary) to a side of \(side)")
        let own = factor > 1 ? images.averagePool2d(factor, stride: factor) : images
        guard alpha < 1 else { return own }
        return own.averagePool2d(2, stride: 2).upsampledNearest(height: side, width: side)
            .lerp(own, weight: alpha)
    }
}

/// A network that begins with small pictures and takes on layers for larger ones.
public protocol Growing: Module {
    /// Where it stands; whoever trains it moves it.
    var growth: Growth { get set }
}
