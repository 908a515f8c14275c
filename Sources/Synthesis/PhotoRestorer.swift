import Checkpoints
import Imaging
import Models
import Provenance
import Recipes
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

/// Changes attributes of photographs with a trained converter.
public final class PhotoConverter {
    public let model: ConversionModel
    /// `fp32` or `bf16`.
    public let precision: Precision
    private let device: Device

    public init(_ model: ConversionModel, precision: Precision = .auto) {
        self.model = model
        device = model.converter.device
        self.precision = precision.resolved(for: device)
    }

    /// A face with some attributes changed.
    /// - Parameters:
    ///   - face: cut by the model's protocol; another side is resized to the model's.
    ///   - wanted: names, and whether the face is to have them; what they exclude goes (`AttributeChanges`).
    ///   - intensity: 1 for as much as in training, 0 for nothing, more for more.
    /// - Throws: `CheckpointError` for a name that the model does not know.
    public func converted(
        _ face: Picture, _ wanted: [(name: String, isPresent: Bool)], intensity: Double = 1
    ) throws -> SyntheticImage {
        let side = model.recipe.resolution
        let given = face.rgb().resized(width: side, height: side, filter: .lanczos).tensor(on: device)
        let wanted = model.completed(wanted)
        var changes = [Float](repeating: 0, count: model.attributes.count)
        for (name, isPresent) in wanted {
            changes[try model.column(of: name)] = Float(isPresent ? intensity : -intensity)
        }
        let made = withoutGradients {
            withAutocast(precision.autocast, on: device) {
                model.converter(given, changes: Tensor(changes, shape: [1, changes.count]).to(device))
            }
        }
        let asked = wanted.map { "\($0.name)=\($0.isPresent ? 1 : 0)" }.joined(separator: ",")
        return marked(Picture(made), [("changed", asked), ("intensity", "\(intensity)")])
    }

    /// What a picture of this model is, for one that it is only a part of.
    public func marked(_ picture: Picture, _ fields: [(name: String, value: String)] = []) -> SyntheticImage {
        SyntheticImage(picture, changedBy: model.digest, recipe: model.recipe, fields)
    }
}

extension Picture {
    /// [1, 3, height, width] in -1...1 on a device.
    package func tensor(on device: Device) -> Tensor {
        .pictures(rgb().pixels, count: 1, height: height, width: width, on: device)
    }

    /// The first of pictures [N, 3, H, W] in -1...1.
    init(_ tensor: Tensor) {
        self.init(
            width: tensor.shape[3], height: tensor.shape[2], channels: 3,
            pixels: tensor[0..<1].to(.float32).pixels().bytes())
    }
}

extension SyntheticImage {
    /// A photograph that a model changed, or that stands beside one.
    init(
        _ picture: Picture, changedBy digest: String, recipe: Recipe,
        _ fields: [(name: String, value: String)]
    ) {
        self.init(
            picture: picture,
            origin: Origin(
                software: Origin.program, model: digest, fields: [("recipe", recipe.name)] + fields,
                source: .compositeWithTrainedAlgorithmicMedia))
    }
}
