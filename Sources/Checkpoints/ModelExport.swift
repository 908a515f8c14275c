import Recipes
import Torch

/// Extraction of the network that is used for inference from the state of a run.
public enum ModelExport {
    /// Keys of facts that only a run needs.
    private static let factsOfRuns: Set<String> = ["supervisor", "recoveries", "bestScore", "plateau"]

    /// Model with the averaged or the raw weights, and without optimizers.
    /// - Parameters:
    ///   - source: a run directory, or a model file.
    ///   - state: state of a run directory.
    ///   - weights: `.raw` is used if the file has no average.
    ///   - half: converts floating-point weights to float16, which halves the file. Relative error 2^-11.
    /// - Throws: `CheckpointError`, `FileError`.
    public static func checkpoint(
        of source: String, state: ModelState = .last, weights: ModelWeights = .average, half: Bool = false
    ) throws -> Checkpoint {
        let path = try ModelFile(source, state: state).path
        let own = try Checkpoint(
            path: path,
            sections: Checkpoint.rawSections + ["average", "labels", RestorationModel.beforeSection])
        let (section, loaded) = own.weights(weights)
        let raw = own.recipe.system.kind == .attributes ? "network" : "generator"
        let name = loaded == .average ? "average" : raw
        guard !section.isEmpty else {
            throw CheckpointError(
                "\(path): no section \(name); the file holds a discriminator, or is damaged")
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
        // `strength` interpolates between these and the newest weights.
        if facts[RestorationModel.criticFact] != nil {
            add(RestorationModel.beforeSection, own.section(RestorationModel.beforeSection))
        }
        model.add("labels", own.section("labels"))
        return model
    }
}
