import Torch

/// What diffaugment does to one picture (Zhao et al. 2020, arXiv:2006.10738, section 3.2).
package struct DiffAugmentChange: Equatable {
    /// Added to all channels.
    package var brightness = 0.0
    /// Multiplies what differs from the gray of the same pixel.
    package var saturation = 1.0
    /// Multiplies what differs from the mean of the picture.
    package var contrast = 1.0
    /// Whole pixels, to the right and down.
    package var shiftX = 0, shiftY = 0
    package var hole: Holes.Hole?

    /// No change.
    package init() {}

    package init(drawn draws: PictureDraws, _ settings: AugmentSettings, of size: PictureSize) {
        var drawn = draws
        let happens = drawn.happens(settings.probability)
        let light = drawn.number(in: -0.5..<0.5)
        let (colors, difference) = (drawn.number(in: 0..<2), drawn.number(in: 0.5..<1.5))
        func shift(_ side: Int) -> Int {
            let most = (side + 4) / 8
            return drawn.choice(of: 2 * most + 1) - most
        }
        let (right, down) = (shift(size.width), shift(size.height))
        func gap(_ side: Int) -> Range<Int> {
            let length = (side + 1) / 2
            // The middle may be anywhere, so that part of the hole may lie outside.
            let middle = drawn.choice(of: side + (length % 2 == 0 ? 1 : 0))
            return middle - length / 2..<middle - length / 2 + length
        }
        let (columns, rows) = (gap(size.width), gap(size.height))
        guard happens else { return }
        if settings.recolor { (brightness, saturation, contrast) = (light, colors, difference) }
        if settings.translate { (shiftX, shiftY) = (right, down) }
        if settings.cutOut { hole = Holes.Hole(columns: columns, rows: rows) }
    }

    /// Each picture of [N, 3, H, W] with its own change; color, then translation, then the hole.
    package static func apply(_ changes: [Self], to images: Tensor, _ settings: AugmentSettings) -> Tensor {
        var images = images
        if settings.recolor { images = recolored(images, changes) }
        if settings.translate {
            let maps = changes.map { PlaneMap.translation(Double(-$0.shiftX), Double(-$0.shiftY)) }
            images = Warp.apply(maps, to: images, isOversampled: false, beyond: .zeros)
        }
        if settings.cutOut { images = Holes.apply(changes.map(\.hole), to: images) }
        return images
    }

    /// Brightness, saturation and contrast at once.
    private static func recolored(_ images: Tensor, _ changes: [Self]) -> Tensor {
        let maps = changes.map { change in
            ColorMap.axis(1, change.saturation).then(.scale(change.contrast)).then(.shift(change.brightness))
        }
        // Saturation leaves the mean as it is, and brightness moves it, so contrast keeps this part of it.
        let kept = Tensor(doubles: changes.map { 1 - $0.contrast }, shape: [changes.count, 1, 1])
        let means = images.mean([1, 2, 3]).reshape([changes.count, 1, 1])
        return ColorMap.apply(maps, to: images, adding: means * kept.to(images.device, images.dtype))
    }
}
