import Torch

/// What ADA does to one picture (Karras et al. 2020, arXiv:2006.06676, appendix B).
package struct AdaptiveChange: Equatable {
    package var geometry = GeometricChange()
    package var color = ColorChange()
    /// Of `FrequencyBands`.
    package var gains = [Double](repeating: 1, count: FrequencyBands.count)
    /// Standard deviation of the noise.
    package var noise = 0.0
    package var hole: Holes.Hole?

    /// No change.
    package init() {}

    /// - Parameter probability: that each operation is applied, before the groups' multipliers.
    package init(
        drawn draws: PictureDraws, _ settings: AugmentSettings, probability: Double, of size: PictureSize
    ) {
        var drawn = draws
        geometry = GeometricChange(
            drawn: &drawn, blit: settings.blit * probability, geometry: settings.geometry * probability,
            of: size)
        color = ColorChange(drawn: &drawn, probability: settings.color * probability)
        gains = FrequencyBands.draw(&drawn, probability: settings.filter * probability)
        let corruption = settings.corruption * probability
        let isNoisy = drawn.happens(corruption)
        let deviation = abs(drawn.normal(0.1))
        if isNoisy { noise = deviation }
        let isCut = drawn.happens(corruption)
        func gap(_ side: Int) -> Range<Int> {
            let middle = drawn.share()
            func pixel(_ place: Double) -> Int { Int((place * Double(side)).rounded()) }
            return pixel(middle - 0.25)..<pixel(middle + 0.25)
        }
        let (columns, rows) = (gap(size.width), gap(size.height))
        if isCut { hole = Holes.Hole(columns: columns, rows: rows) }
    }

    /// Each picture of [N, 3, H, W] with its own change; groups that are off cost nothing.
    /// - Parameter noise: N(0, 1), of the pictures' shape.
    package static func apply(
        _ changes: [Self], to images: Tensor, _ settings: AugmentSettings, noise: Tensor?
    ) -> Tensor {
        var images = images
        if settings.blit > 0 || settings.geometry > 0 {
            // Blits alone go from pixels to pixels.
            images = Warp.apply(
                changes.map(\.geometry.map.inverse), to: images, isOversampled: settings.geometry > 0,
                beyond: .mirrorImages)
        }
        if settings.color > 0 { images = ColorMap.apply(changes.map(\.color.map), to: images) }
        if settings.filter > 0 { images = FrequencyBands.apply(changes.map(\.gains), to: images) }
        if settings.corruption > 0, let noise {
            let deviations = Tensor(doubles: changes.map(\.noise), shape: [changes.count, 1, 1, 1])
            images =
                images + noise.to(images.device, images.dtype) * deviations.to(images.device, images.dtype)
            images = Holes.apply(changes.map(\.hole), to: images)
        }
        return images
    }
}
