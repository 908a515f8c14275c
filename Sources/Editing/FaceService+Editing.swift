import Checkpoints
import Models
import Provenance
import Synthesis

extension FaceService {
    /// Finds the directions of a model. Other calls wait until it ends.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - network: run or model of the recipe `attributes`; nil for the bundled face network.
    ///   - settings: number of faces and directions.
    ///   - cache: folder for the scores of the faces; nil for none.
    ///   - progress: called on the engine thread.
    /// - Throws: `EditError` for settings that do not fit the model; errors of networks that cannot be loaded; `FileError` for the
    ///   cache; `CancellationError`.
    public func directions(
        of model: LoadedFaces, network: String? = nil, settings: DirectionFinder.Settings = .init(),
        cache: String? = nil, progress: @escaping @Sendable (DirectionFinder.Stage) -> Void = { _ in }
    ) throws -> DirectionSet {
        try withSampler(of: model) { sampler, device in
            try DirectionFinder(
                sampler, try FaceMeter(network: network, device: device), settings: settings,
                progress: progress, isCancelled: { Task.isCancelled }
            ).find(cache: cache)
        }
    }

    /// Finds the vectors and units of edits. Attributes of a conditional model change its labels, all others move latents.
    ///
    /// Units that are not in the file, because of layers, the identity or another scope, are measured on generated faces.
    /// - Parameters:
    ///   - edits: edits with unique names.
    ///   - model: a model of this service.
    ///   - directions: directions of the model; nil if all edits are attributes of a conditional model.
    ///   - options: space, scope, layers, identity.
    ///   - network: face network that measures units; nil for the bundled one.
    /// - Returns: the edits in their order, and the space of the latents that they apply to: `.z` or `.wPlus`.
    /// - Throws: `EditError` for unknown names, spaces and layers that the model does not have; `CancellationError`.
    public func resolve(
        _ edits: [Edit], of model: LoadedFaces, directions: DirectionSet?, options: EditOptions = .init(),
        network: String? = nil
    ) throws -> (edits: [ResolvedEdit], space: LatentPoint.Space) {
        try withSampler(of: model) { sampler, device in
            let editor = try LatentEditor(sampler, directions, options, edits.map(\.name))
            var meter: FaceMeter?
            let found = try edits.map { edit in
                if Task.isCancelled { throw CancellationError() }
                return try editor.resolve(edit) {
                    let made = try meter ?? FaceMeter(network: network, device: device)
                    meter = made
                    return made
                }
            }
            return (found, editor.pointSpace)
        }
    }

    /// Latents of seeds and latents in the space of edits.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - sources: seeds and latents. For edits in w+, latents in z and w are carried to w+.
    ///   - space: `.z` or `.wPlus`.
    /// - Throws: `EditError` for a latent that cannot be carried to the space; `SynthesisError` for one that does not fit the model.
    public func origins(of model: LoadedFaces, from sources: [LatentSource], in space: LatentPoint.Space)
        throws
        -> [LatentPoint]
    {
        try withSampler(of: model) { sampler, _ in try LatentEditor.origins(sampler, sources, space) }
    }

    /// Faces of a plan as one picture, with the recipe in its mark.
    /// - Parameters:
    ///   - plan: the plan.
    ///   - model: a model of this service.
    ///   - recipe: the recipe.
    ///   - progress: called on the engine thread after every batch.
    /// - Throws: as `faces(of:from:requesting:batchSize:progress:)`.
    public func picture(
        of plan: EditPlan, model: LoadedFaces, recipe: EditRecipe, progress: @escaping Progress = { _, _ in }
    ) async throws -> SyntheticImage {
        let faces = try await faces(of: model, from: plan.points.map { .point($0) }, progress: progress)
        return plan.picture(faces, recipe)
    }

    /// Edited faces, one for each source, with their recipes in their marks.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - sources: seeds and latents.
    ///   - edits: edits with unique names.
    ///   - directions: file of the directions of the model; nil if all edits are attributes of a conditional model.
    ///   - options: space, scope, layers, identity.
    ///   - network: face network that measures units; nil for the bundled one.
    ///   - progress: called on the engine thread after every batch.
    /// - Throws: as `resolve(_:of:directions:options:network:)` and `faces(of:from:requesting:batchSize:progress:)`.
    public func editedFaces(
        of model: LoadedFaces, from sources: [LatentSource], applying edits: [Edit],
        directions: DirectionFile?, options: EditOptions = .init(), network: String? = nil,
        progress: @escaping Progress = { _, _ in }
    ) async throws -> [SyntheticImage] {
        let resolved = try resolve(
            edits, of: model, directions: directions?.set, options: options, network: network)
        let recipe = EditRecipe(
            model: model, directions: directions, resolved: resolved.edits, space: resolved.space,
            options: options)
        return try await editedFaces(
            of: model, from: sources, applying: resolved.edits, recipe: recipe, progress: progress)
    }

    /// Edited faces of resolved edits, one for each source, with their recipes in their marks.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - sources: seeds and latents.
    ///   - edits: resolved edits.
    ///   - recipe: recipe of the edits without faces.
    ///   - progress: called on the engine thread after every batch.
    /// - Throws: `EditError` for latents that do not fit; as `faces(of:from:requesting:batchSize:progress:)`.
    public func editedFaces(
        of model: LoadedFaces, from sources: [LatentSource], applying edits: [ResolvedEdit],
        recipe: EditRecipe, progress: @escaping Progress = { _, _ in }
    ) async throws -> [SyntheticImage] {
        let origins = try origins(of: model, from: sources, in: recipe.space == "z" ? .z : .wPlus)
        let isExclusive = try hasExclusiveLabels(model)
        let moved = try origins.map {
            try $0.edited(
                edits, factors: edits.map { _ in 1 }, layers: recipe.layerRange, isExclusive: isExclusive)
        }
        let faces = try await faces(of: model, from: moved.map { .point($0) }, progress: progress)
        return try zip(sources, faces).map { source, face in
            SyntheticImage(picture: face.picture, origin: EditPlan.origin(try recipe.of([source])))
        }
    }

    /// Measures edits on the faces of latents.
    /// - Parameters:
    ///   - edits: resolved edits.
    ///   - origins: 1 or more latents in the space of the edits.
    ///   - layers: rows of w+ that are changed; nil for all.
    ///   - model: a model of this service.
    ///   - network: run or model of the recipe `attributes`; nil for the bundled face network.
    /// - Throws: `EditError` for edits that do not fit; errors of networks that cannot be loaded; `CancellationError`.
    public func report(
        _ edits: [ResolvedEdit], on origins: [LatentPoint], layers: ClosedRange<Int>? = nil,
        of model: LoadedFaces,
        network: String? = nil
    ) throws -> EditReport {
        try withSampler(of: model) { sampler, device in
            let isExclusive = sampler.model.sampler.labels?.isExclusive == true
            let meter = try FaceMeter(network: network, device: device)
            func faces(_ factor: Double) throws -> [SyntheticImage] {
                if Task.isCancelled { throw CancellationError() }
                return try sampler.faces(
                    origins.map {
                        .point(
                            try $0.edited(
                                edits, factors: edits.map { _ in factor }, layers: layers,
                                isExclusive: isExclusive))
                    })
            }
            return EditReport(
                before: try faces(0), after: try faces(1), targets: edits.map(\.attribute), meter)
        }
    }

    /// Measures the directions of attributes: flips, changes of other attributes, identity, monotonicity.
    /// - Parameters:
    ///   - names: attributes.
    ///   - directions: directions of the model.
    ///   - options: space and scope.
    ///   - faces: number of faces.
    ///   - model: a model of this service.
    ///   - network: run or model of the recipe `attributes`; nil for the bundled face network.
    ///   - progress: called on the engine thread with the number of attributes that are done.
    /// - Throws: as `resolve(_:of:directions:options:network:)`.
    public func measurements(
        _ names: [String], directions: DirectionSet, options: EditOptions = .init(), faces: Int,
        of model: LoadedFaces,
        network: String? = nil, progress: Progress = { _, _ in }
    ) throws -> [EditMeasurement] {
        try withSampler(of: model) { sampler, device in
            let meter = try FaceMeter(network: network, device: device)
            let editor = try LatentEditor(sampler, directions, options, names)
            let seeds = (0..<UInt64(faces)).map { LatentSource.seed(Self.firstMeasuredSeed + $0) }
            let origins = try LatentEditor.origins(sampler, seeds, editor.pointSpace)
            return try names.enumerated().map { index, name in
                let edit = try editor.resolve(Edit(name, 1)) { meter }
                let own = directions.attributes.firstIndex(of: name)
                let quality = own.flatMap { directions[editor.space]?.qualities[$0] }
                let found = try EditMeasurement(
                    edit, accuracy: quality?.accuracy ?? .nan, options, origins: origins, sampler, meter,
                    isCancelled: { Task.isCancelled })
                progress(index + 1, names.count)
                return found
            }
        }
    }

    /// First seed of the faces that are measured; neither samples nor faces of the calibration.
    private static let firstMeasuredSeed: UInt64 = 2_000_000

    /// Whether each face of a model has one of several classes.
    public func hasExclusiveLabels(_ model: LoadedFaces) throws -> Bool {
        try withSampler(of: model) { sampler, _ in sampler.model.sampler.labels?.isExclusive == true }
    }
}
