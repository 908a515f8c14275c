import Checkpoints
import Imaging
import Models
import Provenance
import Recipes
import Torch
import TorchNN

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
