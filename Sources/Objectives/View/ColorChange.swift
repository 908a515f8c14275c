import Foundation

/// ADA's colors of one picture (Karras et al. 2020, appendix B).
package struct ColorChange: Equatable {
    /// Added to all channels.
    package var brightness = 0.0
    /// Multiplies all channels.
    package var contrast = 1.0
    /// Light and dark exchanged, with the colors as they are.
    package var isLumaFlipped = false
    /// Radians around the axis of grays.
    package var hue = 0.0
    /// Multiplies what differs from gray.
    package var saturation = 1.0

    /// No change.
    package init() {}

    /// Draws, in the paper's order.
    init(drawn: inout PictureDraws, probability: Double) {
        let brightens = drawn.happens(probability)
        let amount = drawn.normal(0.2)
        if brightens { brightness = amount }
        let contrasts = drawn.happens(probability)
        let octaves = drawn.normal(0.5)
        if contrasts { contrast = exp2(octaves) }
        let flips = drawn.happens(probability)
        let side = drawn.choice(of: 2)
        if flips { isLumaFlipped = side == 1 }
        let turns = drawn.happens(probability)
        let angle = drawn.number(in: -Double.pi..<Double.pi)
        if turns { hue = angle }
        let saturates = drawn.happens(probability)
        let saturationOctaves = drawn.normal(1)
        if saturates { saturation = exp2(saturationOctaves) }
    }

    /// All in one.
    package var map: ColorMap {
        ColorMap.shift(brightness).then(.scale(contrast)).then(.axis(isLumaFlipped ? -1 : 1, 1))
            .then(.hue(hue)).then(.axis(1, saturation))
    }
}
