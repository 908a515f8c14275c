import Checkpoints
import Evaluation
import Models
import Provenance
import Torch

/// Generation, films and evaluation on one engine thread.
///
/// Callers exchange values with the service: seeds, latents, pictures, numbers. No tensor leaves it. Calls of any number of
/// tasks are safe. They run batch by batch, in turn; an evaluation runs as a whole. To stop a call, cancel its task: it then
/// throws `CancellationError` after the batch that is being computed.
///
///     let service = FaceService()
///     let model = try await service.load("runs/dcgan")
///     let faces = try await service.faces(of: model, from: [.seed(0), .seed(7)])
public actor FaceService {
    /// A model that a service has loaded.
    public struct LoadedFaces: Sendable, Identifiable {
        /// Number of the model in its service.
        public let id: Int
        /// Recipe, length of the training, file and digest.
        public let info: ModelInfo
        /// Names of the attributes that can be requested; empty for an unconditional model.
        public let attributes: [String]
        /// Size and distribution of z.
        public let latentSpace: LatentSpace
        /// Latent spaces that the generator has.
        public let spaces: [LatentPoint.Space]
        /// Width and height of the faces, in pixels.
        public let resolution: Int
        /// `.fp32` or `.bf16`.
        public let precision: Precision
        /// Truncation and noise.
        public let options: SynthesisOptions
    }

    /// Computed and total numbers of faces or frames. Called on the engine thread.
    public typealias Progress = @Sendable (_ done: Int, _ total: Int) -> Void
    /// Requested attributes: names, and whether faces have them.
    public typealias Attributes = [(name: String, isPresent: Bool)]

    private let thread: EngineThread
    private let device: Device
    private let threads: Int?
    private var samplers: [Int: FaceSampler] = [:]
    private var nextID = 0

    /// Executor of the engine thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - device: device of the models.
    ///   - threads: threads of one operator on the CPU; nil keeps the setting of the process.
    ///   - engine: thread of the service. Services on one engine thread take turns.
    public init(device: Device = .cpu, threads: Int? = nil, engine: EngineThread = EngineThread()) {
        (self.device, self.threads, thread) = (device, threads, engine)
    }

    // MARK: Models

    /// Loads a generator.
    /// - Parameters:
    ///   - source: a run directory, or a model file.
    ///   - state: state of a run directory.
    ///   - weights: `.raw` is used if the file has no average.
    ///   - precision: `.auto` is bf16 where that is faster; it changes values by up to about 2 levels of 255.
    ///   - options: truncation and noise; other options than the default require a style generator.
    /// - Throws: `FileError` for a damaged file; `CheckpointError` for another kind of model; `SynthesisError` for options
    ///   that the generator does not have.
    public func load(
        _ source: String, state: ModelState = .last, weights: ModelWeights = .average,
        precision: Precision = .auto, options: SynthesisOptions = .init()
    ) throws -> LoadedFaces {
        if let threads { Engine.setThreads(threads) }
        let sampler = try FaceSampler(
            source, state: state, weights: weights, device: device, precision: precision, options: options)
        let (model, id) = (sampler.model, nextID)
        nextID += 1
        samplers[id] = sampler
        return LoadedFaces(
            id: id, info: model.info, attributes: model.attributes, latentSpace: model.sampler.space,
            spaces: model.generator is any StyleGenerator ? LatentPoint.Space.allCases : [.z],
            resolution: model.generator.resolution, precision: sampler.precision, options: options)
    }

    /// Releases the memory of a model. Calls that are running finish.
    public func unload(_ model: LoadedFaces) { samplers[model.id] = nil }

    // MARK: Generation

    /// Faces of seeds and latents, in their order.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - sources: seeds and latents.
    ///   - attributes: requested for the faces of seeds; the other attributes vary as in the training pictures.
    ///   - batchSize: upper limit of the rows that are computed at once. Bounds the memory; does not change faces.
    ///   - progress: called on the engine thread after every batch.
    /// - Throws: `SynthesisError` for a latent that does not fit, or a model that is not loaded; `CheckpointError` for an
    ///   attribute that the model does not have; `CancellationError`.
    public func faces(
        of model: LoadedFaces, from sources: [LatentSource], requesting attributes: Attributes = [],
        batchSize: Int = GeneratorRunner.batchSize, progress: Progress = { _, _ in }
    ) async throws -> [SyntheticImage] {
        guard !sources.isEmpty else { return [] }
        let sampler = try sampler(model).requesting(attributes)
        return try await render(try sampler.plan(sources), sampler, batchSize, progress)
    }

    /// Attribute sheet: a row for each seed, with its face, and for each attribute the same face without and with the attribute.
    /// - Returns: 1 + 2 K faces for each seed, for the K attributes of the model.
    /// - Throws: `SynthesisError` for a model without attributes or a model that is not loaded; `CancellationError`.
    public func sheet(
        of model: LoadedFaces, seeds: [UInt64], batchSize: Int = GeneratorRunner.batchSize,
        progress: Progress = { _, _ in }
    ) async throws -> [SyntheticImage] {
        guard !model.attributes.isEmpty else {
            throw SynthesisError(
                "\(model.info.path): a sheet requires a model with attributes; train the recipe conditional")
        }
        guard !seeds.isEmpty else { return [] }
        let sampler = try sampler(model)
        return try await render(sampler.plan(sheetOf: seeds), sampler, batchSize, progress)
    }

    /// Frames of a path through the latents of seeds, files or edits.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - sources: 2 or more stops of the path.
    ///   - framesPerStep: frames from one stop to the next, 1 or more.
    ///   - path: curve, and whether the path is closed.
    ///   - attributes: requested for the seeds among the stops.
    ///   - batchSize: upper limit of the rows that are computed at once.
    ///   - progress: called on the engine thread after every batch.
    /// - Throws: as `faces(of:from:requesting:batchSize:progress:)`; `SynthesisError` for fewer than 2 stops.
    public func film(
        of model: LoadedFaces, through sources: [LatentSource], framesPerStep: Int,
        along path: FilmPath = .init(), requesting attributes: Attributes = [],
        batchSize: Int = GeneratorRunner.batchSize,
        progress: Progress = { _, _ in }
    ) async throws -> [SyntheticImage] {
        guard sources.count >= 2, framesPerStep >= 1 else {
            throw SynthesisError(
                "film: expected 2 or more seeds or latents and 1 or more frames per step, got \(sources.count) and"
                    + " \(framesPerStep)")
        }
        let sampler = try sampler(model).requesting(attributes)
        return try await render(
            try sampler.plan(filmThrough: sources, framesPerStep: framesPerStep, along: path), sampler,
            batchSize,
            progress
        )
    }

    /// Latents of seeds.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - seeds: one point is returned for each seed.
    ///   - space: w and w+ require a style generator.
    ///   - attributes: requested attributes; see `faces(of:from:requesting:batchSize:progress:)`.
    /// - Throws: `SynthesisError` for a space that the generator does not have, or a model that is not loaded;
    ///   `CheckpointError` for an attribute that the model does not have.
    public func points(
        of model: LoadedFaces, seeds: [UInt64], space: LatentPoint.Space = .z,
        requesting attributes: Attributes = []
    ) throws -> [LatentPoint] {
        try sampler(model).requesting(attributes).points(seeds: seeds, space: space)
    }

    /// Runs a function of a model on the engine thread. Other calls wait until it ends.
    /// - Parameters:
    ///   - model: a model of this service.
    ///   - body: the function. Its result is a value.
    /// - Throws: `SynthesisError` for a model that is not loaded; errors of `body`.
    package func withSampler<Result: Sendable>(
        of model: LoadedFaces, _ body: (FaceSampler, Device) throws -> Result
    ) throws -> Result {
        if let threads { Engine.setThreads(threads) }
        return try body(sampler(model), device)
    }

    private func sampler(_ model: LoadedFaces) throws -> FaceSampler {
        guard let sampler = samplers[model.id] else {
            throw SynthesisError("\(model.info.path): the model is not loaded; load it again")
        }
        return sampler
    }

    /// Computes a plan batch by batch. Other calls take their turn between batches.
    private func render(
        _ plan: FaceSampler.Plan, _ sampler: FaceSampler, _ batchSize: Int, _ progress: Progress
    ) async throws -> [SyntheticImage] {
        var images: [SyntheticImage] = []
        images.reserveCapacity(plan.fields.count)
        for batch in sampler.batches(plan, upTo: batchSize) {
            if !images.isEmpty { await Task.yield() }
            try Task.checkCancellation()
            images += sampler.render(plan, batch)
            progress(images.count, plan.fields.count)
        }
        return images
    }

    // MARK: Evaluation

    /// Evaluates a model or pictures. Other calls wait until it ends.
    /// - Parameters:
    ///   - request: what to evaluate.
    ///   - wantsReport: also renders the HTML page.
    ///   - progress: called on the engine thread.
    /// - Throws: `EvaluationError`, `CheckpointError`, `DataError` and `FileError` for what cannot be opened or compared;
    ///   `CancellationError`.
    public func evaluate(
        _ request: EvaluationRequest, wantsReport: Bool = false,
        progress: @Sendable (EvaluationRequest.Stage) -> Void = { _ in }
    ) throws -> EvaluationRequest.Result {
        if let threads { Engine.setThreads(threads) }
        return try request.run(
            device: device, wantsReport: wantsReport, progress: progress, isCancelled: { Task.isCancelled })
    }
}
