import Models
import PretrainedWeights
import Recipes
import Torch
import TorchNN

/// A trained face network from a run or a file, ready for use.
public struct AttributeModel {
    public let network: FaceNetwork
    /// Names of the network's outputs.
    public let attributes: [String]
    public let recipe: Recipe
    public let clock: TrainingClock
    /// What was known where it was trained, such as the data's protocol.
    public let facts: [String: String]
    /// The file.
    public let path: String

    /// - Parameter source: a run's folder or a file of this program.
    /// - Throws: `CheckpointError` for a generator, `FileError` for a damaged file.
    public init(_ source: String, state: Model.State = .last, device: Device = .cpu) throws {
        path = try Model.file(of: source, state)
        let checkpoint = try Checkpoint(path: path, sections: ["network", "average"])
        (recipe, clock, facts) = (checkpoint.recipe, checkpoint.clock, checkpoint.facts)
        guard case .attributes(let settings) = recipe.system, let names = facts["attributes"] else {
            throw CheckpointError(
                "\(path): not a face network (its recipe is \(recipe.name)); train one with --recipe attributes"
            )
        }
        attributes = names.split(separator: " ").map(String.init)
        network = settings.network.make(outputs: attributes.count, random: RandomSource(seed: 0))
        let average = checkpoint.section("average")
        do { try network.load(average.isEmpty ? checkpoint.section("network") : average) } catch {
            throw CheckpointError("\(path): \(error)")
        }
        network.move(to: device, format: .channelsLast)
        network.train(false)
    }

    /// The file of `builtIn` in `BundledWeights`.
    public static let builtInFile = "face.safetensors"

    /// The face network that comes with the program; see `Weights/README.md`.
    public static func builtIn(device: Device = .cpu) throws -> AttributeModel {
        try AttributeModel(try BundledWeights.path(of: builtInFile), device: device)
    }
}
