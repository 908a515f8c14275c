import Checkpoints
import Torch
import TorchNN

extension Trainer {
    /// Networks that a run can take from another one, the one that everything else is about first.
    private static var startSections: [String] { ["generator", "network", "discriminator"] }

    /// Begins with the weights of another run or model. Optimisers, statistics and the clock stay at their beginning.
    /// - Returns: what the user should know.
    /// - Throws: `CheckpointError` for weights that do not fit, before anything has changed.
    public func begin(with other: Checkpoint) throws -> [String] {
        guard other.recipe.task == recipe.task else {
            throw CheckpointError(
                "it is of the recipe \(other.recipe.name) (\(other.recipe.task.rawValue)), this run of"
                    + " \(recipe.name) (\(recipe.task.rawValue))")
        }
        guard other.recipe.conditions.attributes == recipe.conditions.attributes else {
            throw CheckpointError(
                "it knows the attributes \(other.recipe.conditions.attributes), the recipe asks for"
                    + " \(recipe.conditions.attributes): set conditions.attributes alike, in the same order")
        }
        if let growth = recipe.growth(images: 0), growth.side < recipe.resolution {
            throw CheckpointError(
                "its networks have grown, and this run would begin with pictures of \(growth.side):"
                    + " --set growth.startSide=\(recipe.resolution)")
        }
        var (notes, steps): ([String], [() -> Void]) = ([], [])
        let own = Dictionary(uniqueKeysWithValues: sections)
        for name in Self.startSections {
            guard let tensors = own[name] else { continue }
            let (raw, average) = (other.section(name), other.section("average"))
            let isJudge = name == "discriminator"
            let given = raw.isEmpty && !isJudge ? average : raw
            let mismatch = StateMismatch(own: tensors, given: given)
            guard mismatch.isEmpty else {
                guard isJudge else { throw CheckpointError("\(name): \(mismatch)") }
                notes.append(
                    (given.isEmpty ? "it has no \(name)" : "its \(name) is of another kind")
                        + ": a new one begins, and the first pictures suffer until it has caught up")
                continue
            }
            steps.append { Self.copy(given, to: tensors) }
            if !isJudge, let averaged = own["average"] {
                let values = average.isEmpty ? given : average
                steps.append { Self.copy(values, to: averaged) }
            }
        }
        withoutGradients { for step in steps { step() } }
        return notes
    }

    private static func copy(
        _ given: [(key: String, tensor: Tensor)], to own: [(key: String, tensor: Tensor)]
    ) {
        let values = Dictionary(given.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        for (key, tensor) in own { if let value = values[key] { tensor.copy_(value) } }
    }
}
