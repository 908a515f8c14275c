import Torch

/// DiffAugment parameters of one picture (Zhao et al. 2020, arXiv:2006.10738, section 3.2).
package struct DiffAugmentParameters: Equatable {
    /// Added to all channels.
    package var brightness = 0.0
    /// Factor of the difference from the gray of the same pixel.
    package var saturation = 1.0
    /// Factor of the difference from the mean of the picture.
    package var contrast = 1.0
    /// Integer translation to the right and down, in pixels.
    package var shiftX = 0, shiftY = 0
    package var cutout: Cutout.Rectangle?

    /// Parameters of the identity.
    package init() {}

    /// Draws parameters. Operations that are off draw, too.
    package init(draws: PictureDraws, _ settings: AugmentSettings, of size: PictureSize) {
        var drawn = draws
        let happens = drawn.happens(settings.probability)
        let light = drawn.number(in: -0.5..<0.5)
        let (colors, difference) = (drawn.number(in: 0..<2), drawn.number(in: 0.5..<1.5))
        func shift(_ side: Int) -> Int {
            let limit = (side + 4) / 8
            return drawn.choice(of: 2 * limit + 1) - limit
        }
        let (right, down) = (shift(size.width), shift(size.height))
        func interval(_ side: Int) -> Range<Int> {
            let length = (side + 1) / 2
            // The center is anywhere in the picture, so part of the rectangle may be outside.
            let center = drawn.choice(of: side + (length % 2 == 0 ? 1 : 0))
            return center - length / 2..<center - length / 2 + length
        }
        let (columns, rows) = (interval(size.width), interval(size.height))
        guard happens else { return }
        if settings.recolor { (brightness, saturation, contrast) = (light, colors, difference) }
        if settings.translate { (shiftX, shiftY) = (right, down) }
        if settings.cutOut { cutout = Cutout.Rectangle(columns: columns, rows: rows) }
    }

    /// Augments each picture with its own parameters: color, then translation, then cutout.
    /// - Parameters:
    ///   - parameters: parameters of N pictures.
    ///   - images: [N, 3, H, W].
    ///   - settings: operations that are on.
    /// - Returns: [N, 3, H, W].
    package static func apply(_ parameters: [Self], to images: Tensor, _ settings: AugmentSettings) -> Tensor
    {
        var images = images
        if settings.recolor { images = recolored(images, parameters) }
        if settings.translate {
            let maps = parameters.map { AffineMap.translation(Double(-$0.shiftX), Double(-$0.shiftY)) }
            images = Warp.apply(maps, to: images, isOversampled: false, padding: .zeros)
        }
        if settings.cutOut { images = Cutout.apply(parameters.map(\.cutout), to: images) }
        return images
    }

    /// Brightness, saturation and contrast in one transformation.
    private static func recolored(_ images: Tensor, _ parameters: [Self]) -> Tensor {
        let maps = parameters.map { one in
            ColorTransform.axis(1, one.saturation).then(.scale(one.contrast)).then(.shift(one.brightness))
        }
        // Contrast scales around the mean. Saturation does not change the mean, and brightness is added afterwards.
        let kept = Tensor(doubles: parameters.map { 1 - $0.contrast }, shape: [parameters.count, 1, 1])
        let means = images.mean([1, 2, 3]).reshape([parameters.count, 1, 1])
        return ColorTransform.apply(maps, to: images, adding: means * kept.to(images.device, images.dtype))
    }
}

/// Rectangles of pictures that are set to zero, the center of their range.
package enum Cutout {
    /// Rectangle in one picture, in pixels. It may extend beyond the picture.
    package struct Rectangle: Equatable {
        package let columns, rows: Range<Int>

        /// Creates a rectangle from ranges of columns and rows.
        package init(columns: Range<Int>, rows: Range<Int>) { (self.columns, self.rows) = (columns, rows) }
    }

    /// Sets the rectangle of each picture to zero; nil leaves a picture unchanged.
    /// - Parameters:
    ///   - rectangles: rectangles of N pictures.
    ///   - images: [N, C, H, W].
    /// - Returns: [N, C, H, W].
    package static func apply(_ rectangles: [Rectangle?], to images: Tensor) -> Tensor {
        let shape = images.shape
        require(
            images.isPoisoned || shape.count == 4 && shape[0] == rectangles.count,
            "Cutout: expected \(rectangles.count) pictures [N, C, H, W], got \(images.summary)")
        func indicator(_ side: Int, _ range: (Rectangle) -> Range<Int>, _ shape: [Int]) -> Tensor {
            let values = rectangles.flatMap { rectangle in
                (0..<side).map { Float(rectangle.map { range($0) }?.contains($0) == true ? 1 : 0) }
            }
            return Tensor(values, shape: shape).to(images.device, images.dtype)
        }
        let rows = indicator(shape[2], \.rows, [shape[0], 1, shape[2], 1])
        let columns = indicator(shape[3], \.columns, [shape[0], 1, 1, shape[3]])
        return images * (1 - rows * columns)
    }
}
