import Torch
import TorchNN

/// Network that continues a network for smaller pictures: its larger blocks fade in over the smaller network.
///
/// At weight 0 a generator returns the pictures of the smaller network, upsampled, and a discriminator reads downsampled
/// pictures as the smaller network does. At weight 1 it is an ordinary network for its resolution.
public protocol FadesIn: Module {
    /// Prepares a fade-in. Adds the layer between colors and maps of the smaller network, if this architecture has none.
    /// - Parameters:
    ///   - side: side of the pictures of the smaller network, less than the resolution.
    ///   - random: source of the initial weights of the added layer.
    func prepareFade(from side: Int, random: RandomSource)
    /// Weight of the larger blocks, 0...1; nil without a fade, which is weight 1.
    var fade: Factor? { get set }
}

/// Fade-in of the larger blocks of a StyleGAN2.
struct StyleFade {
    /// Side of the pictures of the smaller network.
    let side: Int
    /// Weight of the larger blocks.
    let weight: Factor

    /// The fade-in of a network; nil if it was not enlarged or has no fade.
    init?(from side: Int?, weight: Factor?) {
        guard let side, let weight else { return nil }
        (self.side, self.weight) = (side, weight)
    }

    /// Colors of all blocks, mixed with those of the smaller network.
    /// - Parameters:
    ///   - colors: [N, 3, R, R].
    ///   - smaller: [N, 3, side, side].
    ///   - filter: filter of the network.
    /// - Returns: [N, 3, R, R].
    func mixed(_ colors: Tensor, with smaller: Tensor, _ filter: ResamplingFilter) -> Tensor {
        filter.upsampledColors(smaller, to: colors.shape[2]).atLeastSingle().lerp(colors, weight: weight)
    }
}

extension StyleGAN2Settings {
    /// True: `FadesIn`.
    public static var fadesIn: Bool { true }

    /// Prefixes of the keys of layers that are used during a fade-in only.
    /// - Parameters:
    ///   - side: side of the pictures of the smaller network.
    ///   - isGenerator: true for a generator, false for a discriminator.
    public func fadingKeys(from side: Int, isGenerator: Bool) -> [String] {
        if isGenerator { return generatorArchitecture == .skip ? [] : ["synthesis.b\(side).torgb."] }
        return discriminatorArchitecture == .skip ? [] : ["b\(side).fromrgb."]
    }
}

extension ResamplingFilter {
    /// Colors of `side`, by repeated doubling: [N, 3, H, W] to [N, 3, side, side].
    func upsampledColors(_ input: Tensor, to side: Int) -> Tensor {
        var colors = input
        while colors.shape[2] < side { colors = upsampledColors(colors) }
        return colors
    }

    /// Colors of `side`, by repeated halving: [N, 3, H, W] to [N, 3, side, side].
    func downsampledColors(_ input: Tensor, to side: Int) -> Tensor {
        var colors = input
        while colors.shape[2] > side { colors = downsampledColors(colors) }
        return colors
    }

    /// Pictures without the detail that a network for smaller pictures cannot generate, mixed with the pictures.
    ///
    /// During a fade-in, real pictures then have no more detail than generated ones.
    /// - Parameters:
    ///   - images: [N, 3, R, R].
    ///   - side: side of the pictures of the smaller network.
    ///   - weight: weight of the detail, 0...1.
    /// - Returns: [N, 3, R, R].
    public func faded(_ images: Tensor, from side: Int, weight: Factor) -> Tensor {
        upsampledColors(downsampledColors(images, to: side), to: images.shape[2]).lerp(images, weight: weight)
    }
}
