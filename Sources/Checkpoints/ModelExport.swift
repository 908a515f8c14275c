import Recipes
import Torch

/// Takes what is needed for use out of a run's state: one network, without its optimizer.
public enum ModelExport {
    /// What a run needs to go on, and a model does not.
    private static let factsOfRuns: Set<String> = ["supervisor", "recoveries", "bestScore"]

    /// A model of the averaged weights, or of the raw ones.
    /// - Parameters:
    ///   - source: a run's folder or a file of this program.
    ///   - half: floating-point weights in half precision, which halves the file; values move by a two-thousandth.
    /// - Throws: `CheckpointError`, `FileError`.
    public static func checkpoint(
        of source: String, state: Model.State = .last, weights: Model.Weights = .average, half: Bool = false
    ) throws -> Checkpoint {
        let path = try Model.file(of: source, state)
        let own = try Checkpoint(
            path: path,
            sections: ["average", "generator", "network", "labels", RestorationModel.beforeSection])
        let raw = own.recipe.system.kind == .attributes ? "network" : "generator"
        let name = weights == .average && !own.section("average").isEmpty ? "average" : raw
        let section = own.section(name)
        guard !section.isEmpty else {
            throw CheckpointError("\(path): has no section \(name); it is a discriminator, or damaged")
        }
        let facts = own.facts.filter { !Self.factsOfRuns.contains($0.key) }
        var model = Checkpoint(recipe: own.recipe, clock: own.clock, facts: facts)
        func add(_ name: String, _ section: [(key: String, tensor: Tensor)]) {
            model.add(
                name,
                section.map { key, tensor in
                    (key, half && tensor.dtype.isFloatingPoint ? tensor.to(.float16) : tensor)
                })
        }
        add(name, section)
        // What a strength mixes with.
        if facts[RestorationModel.criticFact] != nil {
            add(RestorationModel.beforeSection, own.section(RestorationModel.beforeSection))
        }
        model.add("labels", own.section("labels"))
        return model
    }
}
