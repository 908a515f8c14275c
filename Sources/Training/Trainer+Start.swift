import Checkpoints
import Models
import Recipes
import Torch
import TorchNN

/// Sections of networks that a run can take from another one.
private let networkSections = ["generator", "network", "discriminator"]

extension Trainer {
    /// Starts from the weights of another run or model. Optimizers, statistics and the clock keep their initial values.
    /// - Parameter path: its file.
    /// - Returns: notes for the user.
    /// - Throws: `CheckpointError` for weights that do not fit, before anything has changed; `FileError`.
    func begin(with path: String) throws -> [String] {
        let other = try Checkpoint(path: path, sections: networkSections + ["average"])
        guard other.recipe.system.kind == recipe.system.kind else {
            throw CheckpointError(
                "it is of the recipe \(other.recipe.name) (\(other.recipe.system.kind.rawValue)), this run of"
                    + " \(recipe.name) (\(recipe.system.kind.rawValue))")
        }
        guard other.recipe.attributeNames == recipe.attributeNames else {
            throw CheckpointError(
                "it knows the attributes \(other.recipe.attributeNames), the recipe asks for"
                    + " \(recipe.attributeNames): set conditions.attributes alike, in the same order")
        }
        if case .adversarial(let settings) = recipe.system,
            let growth = settings.growth(images: 0, resolution: recipe.resolution),
            growth.side < recipe.resolution
        {
            throw CheckpointError(
                "its networks have grown, and this run would begin with pictures of \(growth.side):"
                    + " --set growth.startSide=\(recipe.resolution)")
        }
        var notes = ["it starts from the weights of \(path) (\(Int(other.clock.kimg)) kimg)"]
        var copies: [(given: [(key: String, tensor: Tensor)], own: [(key: String, tensor: Tensor)])] = []
        let own = Dictionary(uniqueKeysWithValues: state.sections)
        for name in networkSections {
            guard let tensors = own[name] else { continue }
            let (raw, average) = (other.section(name), other.section("average"))
            let isDiscriminator = name == "discriminator"
            let given = raw.isEmpty && !isDiscriminator ? average : raw
            let mismatch = StateMismatch(own: tensors, given: given)
            guard mismatch.isEmpty else {
                guard isDiscriminator else { throw CheckpointError("\(name): \(mismatch)") }
                notes.append(
                    (given.isEmpty ? "it has no \(name)" : "its \(name) is of another kind")
                        + ": it starts from random weights, and the first pictures get worse until it has caught up"
                )
                continue
            }
            copies.append((given, tensors))
            if !isDiscriminator, let averaged = own["average"] {
                copies.append((average.isEmpty ? given : average, averaged))
            }
        }
        withoutGradients { for (given, own) in copies { TrainingState.copy(given, to: own) } }
        return notes
    }
}
