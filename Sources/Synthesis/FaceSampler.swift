import Checkpoints
import Foundation
import Imaging
import Models
import Provenance
import Recipes
import Torch
import TorchNN

/// Generation of faces with a trained model, on the caller's thread. `FaceService` does the same on a thread of its own.
///
/// A face depends on its seed or latent, the model and the precision only: not on other faces, nor on the batch size.
public final class FaceSampler {
    /// The model.
    public let model: GeneratorModel
    private let runner: GeneratorRunner

    /// Loads a model.
    /// - Parameters:
    ///   - source: a run directory, or a model file.
    ///   - state: state of a run directory.
    ///   - weights: `.raw` is used if the file has no average.
    ///   - device: device of the generator.
    ///   - precision: `.auto` is bf16 where that is faster; it changes values by up to about 2 levels of 255.
    ///   - options: truncation and noise; other options than the default require a style generator.
    /// - Throws: `FileError`, `CheckpointError`; `SynthesisError` for options that the generator does not have.
    public convenience init(
        _ source: String, state: ModelState = .last, weights: ModelWeights = .average,
        device: Device = .cpu, precision: Precision = .auto, options: SynthesisOptions = .init()
    ) throws {
        let model = try GeneratorModel(source, state: state, weights: weights, device: device)
        try Self.check(options, model)
        self.init(
            model, runner: GeneratorRunner(model.generator, precision: precision, options: options))
    }

    private static func check(_ options: SynthesisOptions, _ model: GeneratorModel) throws {
        guard options != SynthesisOptions() else { return }
        guard let style = model.generator as? any StyleGenerator else {
            throw SynthesisError(
                "\(model.path): psi, cutoff and noise require a style generator, such as that of the recipe stylegan2;"
                    + " this model is \(model.recipe.name)")
        }
        if let cutoff = options.cutoff, !(0...style.layerCount).contains(cutoff) {
            throw SynthesisError("cutoff: expected 0 to \(style.layerCount) rows, got \(cutoff)")
        }
    }

    /// - Parameters:
    ///   - model: generator with its sampler.
    ///   - precision: `.auto` is bf16 where that is faster.
    public convenience init(_ model: GeneratorModel, precision: Precision = .auto) {
        self.init(model, runner: GeneratorRunner(model.generator, precision: precision))
    }

    init(_ model: GeneratorModel, runner: GeneratorRunner) { (self.model, self.runner) = (model, runner) }

    /// The same sampler with attributes requested for all faces.
    /// - Throws: `CheckpointError` for an attribute that the model does not have.
    func requesting(_ attributes: [(name: String, isPresent: Bool)]) throws -> FaceSampler {
        guard !attributes.isEmpty else { return self }
        var model = model
        try model.request(attributes)
        return FaceSampler(model, runner: runner)
    }

    /// `.fp32` or `.bf16`.
    public var precision: Precision { runner.precision }

    /// Truncation and noise.
    package var options: SynthesisOptions { runner.options }

    /// Faces of seeds, in their order.
    /// - Parameters:
    ///   - seeds: seeds of z and, for a conditional model, of the labels.
    ///   - batchSize: upper limit of the rows that are computed at once. Bounds the memory; does not change faces.
    public func faces(seeds: [UInt64], batchSize: Int = GeneratorRunner.batchSize) -> [SyntheticImage] {
        render(plan(seeds: seeds), batchSize)
    }

    /// Faces of seeds and latents, in their order.
    /// - Parameters:
    ///   - sources: seeds and latents.
    ///   - batchSize: upper limit of the rows that are computed at once.
    /// - Throws: `SynthesisError` for a latent that does not fit the generator.
    public func faces(_ sources: [LatentSource], batchSize: Int = GeneratorRunner.batchSize) throws
        -> [SyntheticImage]
    {
        render(try plan(sources), batchSize)
    }

    /// Attribute sheet: a row for each seed, with its face, and for each attribute the same face without and with it.
    /// - Parameters:
    ///   - seeds: one row for each seed.
    ///   - batchSize: upper limit of the rows that are computed at once.
    /// - Returns: 1 + 2 K faces for each seed, for the K attributes of the model.
    public func sheet(seeds: [UInt64], batchSize: Int = GeneratorRunner.batchSize) -> [SyntheticImage] {
        render(plan(sheetOf: seeds), batchSize)
    }

    /// Frames of a path through the latents of seeds, files or edits.
    /// - Parameters:
    ///   - sources: 2 or more stops of the path.
    ///   - framesPerStep: frames from one stop to the next, 1 or more.
    ///   - path: curve, and whether the path is closed.
    ///   - batchSize: upper limit of the rows that are computed at once.
    /// - Returns: `path.frames(stops:perStep:)` frames.
    /// - Throws: `SynthesisError` for a latent that does not fit the generator or the curve.
    public func film(
        through sources: [LatentSource], framesPerStep: Int, along path: FilmPath = .init(),
        batchSize: Int = GeneratorRunner.batchSize
    ) throws -> [SyntheticImage] {
        render(try plan(filmThrough: sources, framesPerStep: framesPerStep, along: path), batchSize)
    }

    /// Latents of seeds.
    /// - Parameters:
    ///   - seeds: one point is returned for each seed.
    ///   - space: `.w` and `.wPlus` require a style generator; `.w` is the first row of w+.
    /// - Throws: `SynthesisError` for a space that the generator does not have.
    public func points(seeds: [UInt64], space: LatentPoint.Space = .z) throws -> [LatentPoint] {
        let (latents, origins) = (model.sampler.sample(seeds: seeds), seeds.map { "seed \($0)" })
        if space == .z {
            return try LatentPoint.points(.z, latents.z, labels: latents.labels, origins: origins)
        }
        let w = try wPlus(latents)
        return try LatentPoint.points(space, space == .w ? w.select(1, 0) : w, origins: origins)
    }

    /// Latents of seeds and latents in one space.
    /// - Parameters:
    ///   - sources: seeds and latents.
    ///   - space: `.z` or `.wPlus`. Latents in z and w are carried to w+.
    /// - Throws: `SynthesisError` for a latent that does not fit the generator or cannot be carried to the space.
    package func points(of sources: [LatentSource], in space: LatentPoint.Space) throws -> [LatentPoint] {
        guard !sources.isEmpty else { return [] }
        let origins = sources.map { source in
            switch source {
            case .seed(let seed): "seed \(seed)"
            case .point(let point): point.name
            }
        }
        switch try inputs(sources) {
        case .latents(let rows):
            let latents = Latents.concatenated(rows)
            return space == .z
                ? try LatentPoint.points(.z, latents.z, labels: latents.labels, origins: origins)
                : try LatentPoint.points(.wPlus, try wPlus(latents), origins: origins)
        case .w(let rows):
            guard space != .z else {
                throw SynthesisError("latents in space w and w+ have no z; edit them in space w")
            }
            return try LatentPoint.points(.wPlus, .concatenated(rows), origins: origins)
        }
    }

    // MARK: Plans

    /// Input rows and the fields of the mark of each face.
    struct Plan {
        let input: GeneratorInput
        let fields: [[(name: String, value: String)]]
    }

    /// Batches of a plan.
    func batches(_ plan: Plan, upTo size: Int) -> [GeneratorRunner.Batch] {
        runner.batches(of: plan.input, upTo: size)
    }

    func plan(seeds: [UInt64]) -> Plan {
        Plan(input: .latents(model.sampler.sample(seeds: seeds)), fields: seeds.map { [("seed", "\($0)")] })
    }

    func plan(_ sources: [LatentSource]) throws -> Plan {
        let seeds = sources.compactMap { if case .seed(let seed) = $0 { seed } else { nil } }
        if seeds.count == sources.count { return plan(seeds: seeds) }
        let fields = sources.map { source -> [(name: String, value: String)] in
            switch source {
            case .seed(let seed): [("seed", "\(seed)")]
            case .point(let point): [("latent", point.name)]
            }
        }
        switch try inputs(sources) {
        case .latents(let rows): return Plan(input: .latents(.concatenated(rows)), fields: fields)
        case .w(let rows): return Plan(input: .w(.concatenated(rows)), fields: fields)
        }
    }

    /// One row for each source: z if all sources are in space z, else w+ [1, L, W] on the CPU.
    enum Rows {
        case latents([Latents])
        case w([Tensor])
    }

    func inputs(_ sources: [LatentSource]) throws -> Rows {
        let inputs = try sources.map { source in
            switch source {
            case .seed(let seed): GeneratorInput.latents(model.sampler.sample(seeds: [seed]))
            case .point(let point): try input(of: point)
            }
        }
        let latents = inputs.compactMap { if case .latents(let latents) = $0 { latents } else { nil } }
        if latents.count == inputs.count { return .latents(latents) }
        return .w(
            try inputs.map { input in
                switch input {
                case .latents(let latents): try wPlus(latents)
                case .w(let w): w
                }
            })
    }

    func plan(sheetOf seeds: [UInt64]) -> Plan {
        var rows: [Latents] = []
        var fields: [[(name: String, value: String)]] = []
        for seed in seeds {
            let latents = model.sampler.sample(seeds: [seed])
            rows.append(latents)
            fields.append([("seed", "\(seed)")])
            for (index, name) in model.attributes.enumerated() {
                for value in [0, 1] {
                    let labels = latents.labels!.cloned()
                    labels.narrow(1, start: index, length: 1).fill_(value == 1 ? 1 : -1)
                    rows.append(Latents(latents.z, labels: labels))
                    fields.append([("seed", "\(seed)"), ("changed", "\(name)=\(value)")])
                }
            }
        }
        return Plan(input: .latents(.concatenated(rows)), fields: fields)
    }

    /// Faces of one batch of a plan.
    func render(_ plan: Plan, _ batch: GeneratorRunner.Batch) -> [SyntheticImage] {
        zip(runner.pixels(plan.input, batch), plan.fields[batch.rows]).map { face($0, $1) }
    }

    private func render(_ plan: Plan, _ batchSize: Int) -> [SyntheticImage] {
        batches(plan, upTo: batchSize).flatMap { render(plan, $0) }
    }

    // MARK: Latent spaces

    /// Generator input of a point: one row of z, or of w+.
    private func input(of point: LatentPoint) throws -> GeneratorInput {
        let space = model.generator.latentSpace
        func require(_ expected: [Int]) throws {
            guard point.shape == expected else {
                throw SynthesisError(
                    "latent in space \(point.space.rawValue): expected shape \(expected) for \(model.path), got"
                        + " \(point.shape)")
            }
        }
        if point.space == .z {
            try require([space.size])
            guard point.labels?.count ?? 0 == model.attributes.count else {
                throw SynthesisError(
                    "latent in space z: expected \(model.attributes.count) labels for \(model.path), got"
                        + " \(point.labels?.count ?? 0)")
            }
            let (z, labels) = LatentPoint.tensors([point])
            return .latents(Latents(z, labels: labels))
        }
        let style = try style()
        let (layers, width) = (style.layerCount, style.averageW.value.shape[0])
        try require(point.space == .w ? [width] : [layers, width])
        let (values, _) = LatentPoint.tensors([point])
        return .w(point.space == .wPlus ? values : values.unsqueezed(1).expanded(to: [1, layers, width]))
    }

    private func style() throws -> any StyleGenerator {
        guard let style = model.generator as? any StyleGenerator else {
            throw SynthesisError(
                "\(model.path): the generator has no spaces w and w+; use latents in space z, or a style generator"
            )
        }
        return style
    }

    /// w+ [N, L, W], float32, on the CPU.
    func wPlus(_ latents: Latents) throws -> Tensor {
        _ = try style()
        return runner.wPlus(latents)
    }

    private var requested: [(name: String, value: String)] {
        model.requestedText.map { [("attributes", $0)] } ?? []
    }

    /// Options that differ from the default.
    private var changed: [(name: String, value: String)] {
        let (options, standard) = (runner.options, SynthesisOptions())
        return (options.psi == standard.psi ? [] : [("psi", "\(options.psi)")])
            + (options.cutoff.map { [("cutoff", "\($0)")] } ?? [])
            + (options.noise == standard.noise ? [] : [("noise", options.noise.rawValue)])
    }

    private func face(_ pixels: [UInt8], _ fields: [(name: String, value: String)]) -> SyntheticImage {
        let side = model.generator.resolution
        return SyntheticImage(
            picture: Picture(width: side, height: side, channels: 3, pixels: pixels),
            origin: Origin(
                software: Origin.program, model: model.digest.isEmpty ? model.recipe.name : model.digest,
                fields: fields + [("weights", model.weights.rawValue)] + requested + changed))
    }
}

/// Latent between two others.
///
/// Normally distributed latents lie near a sphere and are interpolated along a great circle (White 2016), uniformly
/// distributed ones along a line.
/// - Parameters:
///   - a: z [1, Z], returned for t = 0.
///   - b: z [1, Z], returned for t = 1.
///   - t: position between both, 0...1.
///   - distribution: distribution of z.
/// - Returns: z [1, Z].
public func interpolated(
    _ a: Tensor, _ b: Tensor, _ t: Double, _ distribution: LatentSpace.Distribution
) -> Tensor {
    guard distribution == .normal else { return a.lerp(b, weight: t) }
    let cosine = ((a * b).sum().item() / (a.norm().item() * b.norm().item()))
    let angle = acos(min(1, max(-1, cosine)))
    // For nearly parallel latents, the great circle is the line.
    guard sin(angle) > 1e-6 else { return a.lerp(b, weight: t) }
    return a * (sin((1 - t) * angle) / sin(angle)) + b * (sin(t * angle) / sin(angle))
}

extension LatentSampler {
    /// Latents between two others of one row: z as above, labels along a line.
    func interpolated(_ a: Latents, _ b: Latents, _ t: Double) -> Latents {
        let labels = a.labels.flatMap { from in b.labels.map { from.lerp($0, weight: t) } }
        return Latents(Synthesis.interpolated(a.z, b.z, t, space.distribution), labels: labels)
    }
}
