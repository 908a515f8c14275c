import Evaluation
import Imaging
import Objectives
import Torch

/// Pictures beside what a discriminator sees of them.
enum ViewSheet {
    /// A row for every picture: the picture itself, then views of it.
    /// - Parameter pictures: square, RGB.
    static func compose(_ pictures: [Picture], _ settings: AugmentSettings, columns: Int = 8, seed: UInt64)
        throws
        -> Picture
    {
        try Engine.load()
        let view = DiscriminatorAugmentation(settings, device: .cpu)
        let random = RandomSource(seed: seed)
        let cells = pictures.flatMap { picture in
            let (side, count) = (picture.width, columns - 1)
            let image = Tensor.pictures(picture.pixels, count: 1, side: side, on: .cpu)
            let seen = view(image.expanded(to: [count, 3, side, side]), random: random).pixels().bytes()
            let length = seen.count / count
            return [picture]
                + (0..<count).map { number in
                    Picture(
                        width: side, height: side, channels: 3,
                        pixels: Array(seen[number * length..<(number + 1) * length]))
                }
        }
        return Grid.compose(cells, columns: columns)
    }
}
