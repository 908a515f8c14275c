import Checkpoints
import Models
import Recipes
import Torch
import TorchNN

/// Sections of the networks whose weights a run can copy from another run.
private let networkSections = ["generator", "network", "discriminator"]

extension Trainer {
    /// Copies the weights of another run or model. Optimizers, statistics and the clock keep their initial values.
    ///
    /// A StyleGAN2 for larger pictures keeps the initial weights of its larger blocks.
    /// - Parameter path: file of the run or model.
    /// - Returns: notes for the user.
    /// - Throws: `CheckpointError` for weights that do not fit; the trainer is then unchanged. `FileError` if the file cannot
    ///   be read.
    func begin(with path: String) throws -> [String] {
        var other = try Checkpoint(path: path, sections: networkSections + ["average"])
        try other.addDiscriminator(ofModel: path)
        try requireSameTask(as: other.recipe)
        let enlargement = try NetworkEnlargement(from: other.recipe, to: recipe)
        var notes = ["starting from the weights of \(path) (\(Int(other.clock.kimg)) kimg)"]
        notes += NetworkEnlargement.notes(from: other, enlargement, recipe)
        var copies: [(given: [(key: String, tensor: Tensor)], own: [(key: String, tensor: Tensor)])] = []
        func copy(_ given: [(key: String, tensor: Tensor)], to own: [(key: String, tensor: Tensor)]) {
            let known = Set(given.map(\.key))
            // The other tensors of enlarged networks keep their initial values.
            copies.append((given, own.filter { known.contains($0.key) }))
        }
        let own = Dictionary(uniqueKeysWithValues: state.sections)
        for name in networkSections {
            guard let tensors = own[name] else { continue }
            let (raw, average) = (other.section(name), other.section("average"))
            let isDiscriminator = name == "discriminator"
            let given = raw.isEmpty && !isDiscriminator ? average : raw
            let used = NetworkEnlargement.withoutFadingLayers(
                given, of: other.recipe, in: name, keeping: tensors)
            let mismatch = StateMismatch(own: tensors, given: used)
            if mismatch.isEmpty || enlargement?.explains(mismatch) == true {
                copy(used, to: tensors)
                if !isDiscriminator, let averaged = own["average"] {
                    copy(average.isEmpty ? used : average, to: averaged)
                }
            } else {
                guard isDiscriminator else { throw CheckpointError("\(name): \(mismatch)") }
                notes.append(
                    (given.isEmpty
                        ? "the file has no \(name)" : "the \(name) of the file has another architecture")
                        + ": it starts from random weights, so the first pictures get worse"
                )
            }
            if enlargement != nil, let network = networks.first(where: { $0.name == name })?.network {
                let isCopied = mismatch.isEmpty || enlargement?.explains(mismatch) == true
                notes.append(
                    "\(name): "
                        + NetworkEnlargement.count(network, given: given, used: isCopied ? used : []).text)
            }
        }
        withoutGradients { for (given, own) in copies { TrainingState.copy(given, to: own) } }
        return notes
    }

    /// Checks that the weights of another recipe belong to the same system, attributes and growth.
    /// - Throws: `CheckpointError` with the difference.
    private func requireSameTask(as other: Recipe) throws {
        guard other.system.kind == recipe.system.kind else {
            throw CheckpointError(
                "its recipe is \(other.name) (\(other.system.kind.rawValue)), the recipe of this run is"
                    + " \(recipe.name) (\(recipe.system.kind.rawValue))")
        }
        guard other.attributeNames == recipe.attributeNames else {
            throw CheckpointError(
                "its attributes are \(other.attributeNames), those of the recipe are"
                    + " \(recipe.attributeNames): set the same conditions.attributes in the same order")
        }
        guard other.resolution == recipe.resolution, case .adversarial(let settings) = recipe.system,
            let growth = settings.growth(images: 0, resolution: recipe.resolution),
            growth.side < recipe.resolution
        else { return }
        throw CheckpointError(
            "its networks have the full resolution, but this run starts with \(growth.side) x \(growth.side) pixels:"
                + " --set growth.startSide=\(recipe.resolution)")
    }
}
