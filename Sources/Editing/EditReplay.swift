import Checkpoints
import Models
import Provenance
import Synthesis
import Torch

extension EditRecipe {
    /// Recipe of edits without faces.
    public init(
        model: FaceService.LoadedFaces, directions: DirectionFile?, resolved: [ResolvedEdit],
        space: LatentPoint.Space, options: EditOptions
    ) {
        self.init(
            model: model.info.digest, weights: model.info.weights.rawValue,
            precision: model.precision.rawValue,
            space: space == .z ? .z : .w)
        (psi, cutoff, noise) = (model.options.psi, model.options.cutoff, model.options.noise.rawValue)
        self.directions = directions?.digest
        (scope, keepsIdentity) = (options.scope.text, options.keepsIdentity)
        layers = options.layers.map { [$0.lowerBound, $0.upperBound] }
        steps = resolved.map { edit in
            switch edit.target {
            case .direction(_, let unit): Step(name: edit.edit.name, amount: edit.edit.amount, unit: unit)
            case .label: Step(name: edit.edit.name, amount: edit.edit.amount, unit: nil)
            }
        }
    }

    /// The same recipe for faces. Seeds are kept as seeds if all sources are seeds.
    /// - Throws: `EditError` for latents of different spaces.
    public func of(_ sources: [LatentSource]) throws -> EditRecipe {
        var recipe = self
        let seeds = sources.compactMap { if case .seed(let seed) = $0 { seed } else { nil } }
        let points = sources.compactMap { if case .point(let point) = $0 { point } else { nil } }
        if seeds.count == sources.count {
            (recipe.seeds, recipe.latents) = (seeds, nil)
        } else {
            guard points.count == sources.count, points.allSatisfy({ $0.shape == points[0].shape }) else {
                throw EditError("edit: expected seeds, or latents of one space and shape")
            }
            (recipe.seeds, recipe.latents) = (nil, PackedLatents(points))
        }
        return recipe
    }

    /// Seeds or latents of the faces.
    /// - Throws: `EditError` for damaged latents.
    public func sources() throws -> [LatentSource] {
        if let seeds { return seeds.map { .seed($0) } }
        return try latents?.points().map { .point($0) } ?? []
    }

    /// Options with which the model must be loaded.
    /// - Throws: `EditError` for an unknown kind of noise.
    public func synthesisOptions() throws -> SynthesisOptions {
        guard let noise = SynthesisOptions.Noise(rawValue: noise) else {
            throw EditError("edit recipe: expected noise const, random or none, got \(self.noise)")
        }
        return SynthesisOptions(psi: psi, cutoff: cutoff, noise: noise)
    }

    /// Edits of this recipe with the distances that it contains.
    /// - Parameters:
    ///   - attributes: attributes of a conditional model.
    ///   - directions: directions of the model; nil for none.
    /// - Throws: `EditError` for a name that is not known, or other directions.
    public func resolved(attributes: [String], directions file: DirectionFile?) throws -> [ResolvedEdit] {
        try steps.map { step in
            let edit = Edit(step.name, step.amount)
            guard let unit = step.unit else {
                guard let label = attributes.firstIndex(of: step.name) else {
                    throw EditError.unknown(step.name, among: attributes, what: "attribute of this model")
                }
                return ResolvedEdit(edit, .label(label), attribute: step.name)
            }
            guard let file, file.digest == directions else {
                throw EditError(
                    "\(file?.path ?? "directions"): the picture was edited with the directions"
                        + " \(directions?.prefix(12) ?? "?"), not with \(file?.digest.prefix(12) ?? "none"); name their file with"
                        + " --directions")
            }
            let found = try file.set.vector(step.name, in: space == "z" ? .z : .w, options)
            return ResolvedEdit(
                edit, .direction(vector: found.vector, unit: unit), attribute: found.attribute)
        }
    }
}

extension FaceService {
    /// Repeats an edited picture. On the same processor and version of the engine, the pixels are equal.
    /// - Parameters:
    ///   - recipe: recipe of the picture.
    ///   - model: the model of the recipe, loaded with its weights, precision and options.
    ///   - directions: directions of the recipe; nil for a recipe without directions.
    ///   - progress: called on the engine thread after every batch.
    /// - Throws: `EditError` for another model or other directions; errors as
    ///   `faces(of:from:requesting:batchSize:progress:)`.
    public func replay(
        _ recipe: EditRecipe, with model: LoadedFaces, directions: DirectionFile?,
        progress: @escaping Progress = { _, _ in }
    ) async throws -> SyntheticImage {
        guard model.info.digest == recipe.model else {
            throw EditError(
                "\(model.info.path): the picture was made with the model \(recipe.model.prefix(12)), not with"
                    + " \(model.info.digest.prefix(12)); name the model with --model")
        }
        let edits = try recipe.resolved(attributes: model.attributes, directions: directions)
        let origins = try origins(
            of: model, from: try recipe.sources(), in: recipe.space == "z" ? .z : .wPlus)
        let plan = try EditPlan(origins, edits, recipe, isExclusive: try hasExclusiveLabels(model))
        return try await picture(of: plan, model: model, recipe: recipe, progress: progress)
    }
}
