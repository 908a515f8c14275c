import Checkpoints
import Imaging
import Models
import Provenance
import Recipes
import Torch
import TorchNN

/// Reconstruction and super resolution of photographs with a trained restorer.
public final class PhotoRestorer {
    /// The model.
    public let model: RestorationModel
    /// `fp32` or `bf16`.
    public let precision: Precision
    private let device: Device

    /// Overlap of tiles, in pixels: half the receptive field of the network, at most 48.
    private var overlap: Int { min(model.restorer.reach, 48) }

    /// - Parameters:
    ///   - model: restorer.
    ///   - precision: `.auto` is bf16 where that is faster.
    public init(_ model: RestorationModel, precision: Precision = .auto) {
        self.model = model
        device = model.restorer.device
        self.precision = precision.resolved(for: device)
    }

    /// Reconstruction of an aligned face.
    /// - Parameter face: face under the data protocol of the model; it is resized to the resolution of the model.
    public func reconstructed(_ face: Picture) -> SyntheticImage {
        let side = model.restorer.inputSide ?? face.width
        let given = face.rgb().resized(width: side, height: side, filter: .lanczos)
        return marked(Picture(restored(given.tensor(on: device))), [("use", "reconstruction")])
    }

    /// Enlarges a photograph by the upscaling factor of the model.
    ///
    /// The result is computed in overlapping tiles, which bounds the memory.
    /// - Parameters:
    ///   - photo: photograph of any size.
    ///   - tile: side of the tiles, in pixels of the photograph.
    ///   - progress: called with the computed and total numbers of tiles. An error that it throws stops the computation.
    /// - Throws: errors of `progress`; `ImagingError`.
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
            // The overlap avoids seams between tiles.
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

    /// Picture that contains a result of this model, with the mark of generated media.
    /// - Parameters:
    ///   - picture: the picture.
    ///   - fields: fields of the mark.
    public func marked(_ picture: Picture, _ fields: [(name: String, value: String)] = []) -> SyntheticImage {
        SyntheticImage(picture, changedBy: model.digest, recipe: model.recipe, fields)
    }

    private func restored(_ images: Tensor) -> Tensor {
        withoutGradients {
            withAutocast(precision.autocast, on: device) { model.restorer(images) }.to(.float32)
        }
    }
}

/// Attribute changes in photographs with a trained converter.
public final class PhotoConverter {
    /// The model.
    public let model: ConversionModel
    /// `fp32` or `bf16`.
    public let precision: Precision
    private let device: Device

    /// - Parameters:
    ///   - model: converter.
    ///   - precision: `.auto` is bf16 where that is faster.
    public init(_ model: ConversionModel, precision: Precision = .auto) {
        self.model = model
        device = model.converter.device
        self.precision = precision.resolved(for: device)
    }

    /// Changes attributes of an aligned face.
    /// - Parameters:
    ///   - face: face under the data protocol of the model; it is resized to the resolution of the model.
    ///   - wanted: names of attributes, and whether the result has them. Attributes that they exclude are removed
    ///     (`AttributeChanges`).
    ///   - intensity: 0 for no change, 1 as in training; larger values strengthen the change.
    /// - Throws: `CheckpointError` for an attribute that the model does not have.
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

    /// Picture that contains a result of this model, with the mark of generated media.
    /// - Parameters:
    ///   - picture: the picture.
    ///   - fields: fields of the mark.
    public func marked(_ picture: Picture, _ fields: [(name: String, value: String)] = []) -> SyntheticImage {
        SyntheticImage(picture, changedBy: model.digest, recipe: model.recipe, fields)
    }
}

extension Picture {
    /// Picture as a tensor [1, 3, height, width] in -1...1, float32.
    package func tensor(on device: Device) -> Tensor {
        .pictures(rgb().pixels, count: 1, height: height, width: width, on: device)
    }

    /// First of pictures [N, 3, H, W] in -1...1.
    init(_ tensor: Tensor) {
        self.init(
            width: tensor.shape[3], height: tensor.shape[2], channels: 3,
            pixels: tensor[0..<1].to(.float32).pixels().bytes())
    }
}

extension SyntheticImage {
    /// Picture that contains a result of a model.
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
