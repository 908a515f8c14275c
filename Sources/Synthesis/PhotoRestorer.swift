import Checkpoints
import Imaging
import Models
import Provenance
import Torch
import TorchNN

/// Gives photographs back with a trained restorer: through an autoencoder's bottleneck, or enlarged.
public final class PhotoRestorer {
    public let model: RestorationModel
    /// `fp32` or `bf16`.
    public let precision: Precision
    private let device: Device

    /// Pixels that tiles see beyond themselves: what a pixel depends on, but for networks that see very far.
    private var overlap: Int { min(model.restorer.reach, 48) }

    public init(_ model: RestorationModel, precision: Precision = .auto) {
        self.model = model
        device = model.restorer.device
        self.precision = precision.resolved(for: device)
    }

    /// A face as the model expects it, given back.
    /// - Parameter face: cut by the model's protocol; another side is resized to the model's.
    public func reconstructed(_ face: Picture) -> SyntheticImage {
        let side = model.restorer.inputSide ?? face.width
        let given = face.rgb().resized(width: side, height: side, filter: .lanczos)
        return marked(Picture(restored(given.tensor(on: device))), [("use", "reconstruction")])
    }

    /// A photograph of any size, `scale` times as large; computed in tiles that overlap, so that memory stays bounded.
    /// - Parameters:
    ///   - tile: side of the tiles, in pixels of the photograph.
    ///   - progress: tiles that are done, and of how many; what it throws ends the work.
    public func enlarged(
        _ photo: Picture, tile: Int = 192, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> SyntheticImage {
        let scale = model.restorer.scale
        var result = Picture(
            width: photo.width * scale, height: photo.height * scale, channels: 3, filledWith: 0)
        let source = photo.rgb()
        let places = Self.starts(photo.height, tile).flatMap { top in
            Self.starts(photo.width, tile).map { (x: $0, y: top) }
        }
        for (index, place) in places.enumerated() {
            let (width, height) = (min(tile, photo.width - place.x), min(tile, photo.height - place.y))
            // More than is kept, so that seams see what lies beyond them.
            let (left, top) = (max(0, place.x - overlap), max(0, place.y - overlap))
            let right = min(photo.width, place.x + width + overlap)
            let bottom = min(photo.height, place.y + height + overlap)
            let part = try source.cropped(
                to: PictureBox(x: left, y: top, width: right - left, height: bottom - top))
            let large = Picture(restored(part.tensor(on: device)))
            let kept = try large.cropped(
                to: PictureBox(
                    x: (place.x - left) * scale, y: (place.y - top) * scale, width: width * scale,
                    height: height * scale))
            result.paste(kept, x: place.x * scale, y: place.y * scale)
            try progress(index + 1, places.count)
        }
        return marked(result, [("use", "super-resolution"), ("scale", "\(scale)")])
    }

    private static func starts(_ length: Int, _ tile: Int) -> [Int] {
        Array(stride(from: 0, to: length, by: tile))
    }

    /// What a picture of this model is, for one that it is only a part of.
    public func marked(_ picture: Picture, _ fields: [(name: String, value: String)] = []) -> SyntheticImage {
        SyntheticImage(picture, changedBy: model.digest, recipe: model.recipe, fields)
    }

    private func restored(_ images: Tensor) -> Tensor {
        withoutGradients {
            withAutocast(precision.autocast, on: device) { model.restorer(images) }.to(.float32)
        }
    }
}
