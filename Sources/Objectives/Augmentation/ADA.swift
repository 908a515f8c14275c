import Foundation
import Torch

/// ADA parameters of one picture (Karras et al. 2020, arXiv:2006.06676, appendix B).
package struct ADAParameters: Equatable {
    package var geometry = ADAGeometry()
    package var color = ADAColor()
    /// Gains of the bands of `FrequencyBands`.
    package var gains = [Double](repeating: 1, count: FrequencyBands.count)
    /// Standard deviation of the noise.
    package var noise = 0.0
    package var cutout: Cutout.Rectangle?

    /// Parameters of the identity.
    package init() {}

    /// Draws parameters, in the order of the paper.
    /// - Parameter probability: probability of each operation, before the multiplier of its group.
    package init(
        draws: PictureDraws, _ settings: AugmentSettings, probability: Double, of size: PictureSize
    ) {
        var drawn = draws
        geometry = ADAGeometry(
            draws: &drawn, blit: settings.blit * probability, geometry: settings.geometry * probability,
            of: size)
        color = ADAColor(draws: &drawn, probability: settings.color * probability)
        gains = FrequencyBands.draw(&drawn, probability: settings.filter * probability)
        let corruption = settings.corruption * probability
        let addsNoise = drawn.happens(corruption)
        let deviation = abs(drawn.normal(0.1))
        if addsNoise { noise = deviation }
        let cutsOut = drawn.happens(corruption)
        func interval(_ side: Int) -> Range<Int> {
            let center = drawn.uniform()
            func pixel(_ position: Double) -> Int { Int((position * Double(side)).rounded()) }
            return pixel(center - 0.25)..<pixel(center + 0.25)
        }
        let (columns, rows) = (interval(size.width), interval(size.height))
        if cutsOut { cutout = Cutout.Rectangle(columns: columns, rows: rows) }
    }

    /// Augments each picture with its own parameters. Groups that are off cost nothing.
    /// - Parameters:
    ///   - parameters: parameters of N pictures.
    ///   - images: [N, 3, H, W].
    ///   - settings: groups that are on.
    ///   - noise: N(0, 1), of the shape of `images`; nil without corruption.
    /// - Returns: [N, 3, H, W].
    package static func apply(
        _ parameters: [Self], to images: Tensor, _ settings: AugmentSettings, noise: Tensor?
    ) -> Tensor {
        var images = images
        if settings.blit > 0 || settings.geometry > 0 {
            // Without general geometry, pixels map to pixels and need no oversampling.
            images = Warp.apply(
                parameters.map(\.geometry.map.inverse), to: images, isOversampled: settings.geometry > 0,
                padding: .reflection)
        }
        if settings.color > 0 { images = ColorTransform.apply(parameters.map(\.color.map), to: images) }
        if settings.filter > 0 { images = FrequencyBands.apply(parameters.map(\.gains), to: images) }
        if settings.corruption > 0, let noise {
            let deviations = Tensor(doubles: parameters.map(\.noise), shape: [parameters.count, 1, 1, 1])
            images =
                images + noise.to(images.device, images.dtype) * deviations.to(images.device, images.dtype)
            images = Cutout.apply(parameters.map(\.cutout), to: images)
        }
        return images
    }
}

/// Pixel blitting and general geometry of ADA for one picture (Karras et al. 2020, appendix B).
package struct ADAGeometry: Equatable {
    /// Whether the picture is mirrored horizontally.
    package var isMirrored = false
    /// Clockwise quarter turns, 0...3.
    package var quarterTurns = 0
    /// Integer translation to the right and down, in pixels.
    package var shiftX = 0, shiftY = 0
    /// Scale factor; above 1 enlarges.
    package var scale = 1.0
    /// Clockwise rotation before and after stretching, in radians.
    package var rotationBefore = 0.0, rotationAfter = 0.0
    /// Factor of the width and divisor of the height.
    package var stretch = 1.0
    /// Fractional translation to the right and down, in pixels.
    package var moveX = 0.0, moveY = 0.0

    /// Parameters of the identity.
    package init() {}

    /// Draws parameters, in the order of the paper.
    /// - Parameters:
    ///   - blit: probability of each operation of pixel blitting.
    ///   - geometry: probability of each operation of general geometry.
    init(draws drawn: inout PictureDraws, blit: Double, geometry: Double, of size: PictureSize) {
        let (width, height) = (Double(size.width), Double(size.height))
        let mirrors = drawn.happens(blit)
        let side = drawn.choice(of: 2)
        if mirrors { isMirrored = side == 1 }
        let turns = drawn.happens(blit)
        let quarters = drawn.choice(of: 4)
        if turns { quarterTurns = quarters }
        let translates = drawn.happens(blit)
        let (right, down) = (drawn.number(in: -0.125..<0.125), drawn.number(in: -0.125..<0.125))
        if translates { (shiftX, shiftY) = (Int((right * width).rounded()), Int((down * height).rounded())) }

        let scales = drawn.happens(geometry)
        let octaves = drawn.normal(0.2)
        if scales { scale = exp2(octaves) }
        // At least one of the two rotations happens with the probability of the other operations.
        let either = 1 - (1 - geometry).squareRoot()
        let rotatesBefore = drawn.happens(either)
        let angleBefore = drawn.number(in: -Double.pi..<Double.pi)
        if rotatesBefore { rotationBefore = angleBefore }
        let stretches = drawn.happens(geometry)
        let stretchOctaves = drawn.normal(0.2)
        if stretches { stretch = exp2(stretchOctaves) }
        let rotatesAfter = drawn.happens(either)
        let angleAfter = drawn.number(in: -Double.pi..<Double.pi)
        if rotatesAfter { rotationAfter = angleAfter }
        let translatesFractionally = drawn.happens(geometry)
        let (x, y) = (drawn.normal(0.125), drawn.normal(0.125))
        if translatesFractionally { (moveX, moveY) = (x * width, y * height) }
    }

    /// All operations as one map from positions in the picture to positions in the result.
    package var map: AffineMap {
        AffineMap.scale(isMirrored ? -1 : 1, 1).then(.quarterTurns(quarterTurns))
            .then(.translation(Double(shiftX), Double(shiftY))).then(.scale(scale, scale))
            .then(.rotation(rotationBefore)).then(.scale(stretch, 1 / stretch)).then(.rotation(rotationAfter))
            .then(.translation(moveX, moveY))
    }
}

/// Color transformation of ADA for one picture (Karras et al. 2020, appendix B).
package struct ADAColor: Equatable {
    /// Added to all channels.
    package var brightness = 0.0
    /// Factor of all channels.
    package var contrast = 1.0
    /// Whether luma is inverted, with the chroma unchanged.
    package var isLumaFlipped = false
    /// Rotation around the gray axis, in radians.
    package var hue = 0.0
    /// Factor of the difference from gray.
    package var saturation = 1.0

    /// Parameters of the identity.
    package init() {}

    /// Draws parameters, in the order of the paper, each operation with this probability.
    init(draws drawn: inout PictureDraws, probability: Double) {
        let brightens = drawn.happens(probability)
        let amount = drawn.normal(0.2)
        if brightens { brightness = amount }
        let contrasts = drawn.happens(probability)
        let octaves = drawn.normal(0.5)
        if contrasts { contrast = exp2(octaves) }
        let flips = drawn.happens(probability)
        let side = drawn.choice(of: 2)
        if flips { isLumaFlipped = side == 1 }
        let rotatesHue = drawn.happens(probability)
        let angle = drawn.number(in: -Double.pi..<Double.pi)
        if rotatesHue { hue = angle }
        let saturates = drawn.happens(probability)
        let saturationOctaves = drawn.normal(1)
        if saturates { saturation = exp2(saturationOctaves) }
    }

    /// All operations as one transformation.
    package var map: ColorTransform {
        ColorTransform.shift(brightness).then(.scale(contrast)).then(.axis(isLumaFlipped ? -1 : 1, 1))
            .then(.hue(hue)).then(.axis(1, saturation))
    }
}
