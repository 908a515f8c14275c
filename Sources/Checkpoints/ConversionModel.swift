import Files
import Models
import Recipes
import Torch
import TorchNN

/// A trained converter of attributes from a run or a file, ready for use.
public struct ConversionModel {
    public let converter: AttributeConverter
    public let recipe: Recipe
    public let clock: TrainingClock
    /// What was known where it was trained, such as the data's protocol.
    public let facts: [String: String]
    /// The file.
    public let path: String
    /// SHA-256 of its tensors.
    public let digest: String

    /// Names of the attributes that it changes.
    public var attributes: [String] { recipe.attributeNames }

    /// - Parameter source: a run's folder or a file of this program.
    /// - Throws: `CheckpointError` for another kind of model.
    public init(
        _ source: String, state: Model.State = .last, weights: Model.Weights = .average, device: Device = .cpu
    ) throws {
        path = try Model.file(of: source, state)
        let checkpoint = try Checkpoint(path: path, sections: ["generator", "average"])
        (recipe, clock, facts) = (checkpoint.recipe, checkpoint.clock, checkpoint.facts)
        guard case .conversion(let settings) = recipe.system else {
            throw CheckpointError(
                "\(path): not a network that changes attributes (its recipe is \(recipe.name)); train one with --recipe"
                    + " convert")
        }
        digest = try SafetensorsFile(path: path).digest ?? ""
        converter = settings.makeConverter(random: RandomSource(seed: 0))
        do {
            try converter.load(checkpoint.generator(weights).state)
        } catch { throw CheckpointError("\(path): \(error)") }
        converter.move(to: device, format: .channelsLast)
        converter.train(false)
    }

    /// What was asked for, and what ends with it: black hair that becomes blond.
    public func completed(_ wanted: [(name: String, isPresent: Bool)]) -> [(name: String, isPresent: Bool)] {
        AttributeChanges.completed(wanted, among: attributes)
    }

    /// The column of an attribute.
    /// - Throws: `CheckpointError` for a name that the model does not know, with the nearest that it does.
    public func column(of name: String) throws -> Int {
        guard let column = attributes.firstIndex(of: name) else {
            throw CheckpointError.noAttribute(name, among: attributes)
        }
        return column
    }
}
