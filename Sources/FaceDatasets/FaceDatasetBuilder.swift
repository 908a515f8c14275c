import Checkpoints
import Datasets
import Foundation
import Models
import Provenance
import Recipes
import Synthesis
import Torch

/// Construction of a data set of generated faces: generation, labels, selection, files, datasheet.
///
/// The result depends on the plan, the model, the program and the processor only: not on the batch size, the number of threads
/// or interruptions. A call that was interrupted, also by `kill -9`, is continued by a call with the same plan.
public struct FaceDatasetBuilder: Sendable {
    /// Progress of a call.
    public enum Stage: Sendable, Equatable {
        /// Reading of the photographs: processed and total number.
        case readingPhotographs(done: Int, total: Int)
        /// Generation and selection: accepted and wanted pictures, examined candidates, and an estimate of the number of
        /// candidates at the end; nil if a combination of attributes has no picture yet.
        case selecting(done: Int, total: Int, examined: Int, expected: Int?)
        /// Computation of statistics and scores.
        case scoring
        /// Writing of an output: its name, and written and total pictures.
        case writing(name: String, done: Int, total: Int)
    }

    /// Plan of the data set.
    public let plan: FaceDatasetPlan
    private let device: Device
    private let threads: Int?

    /// - Parameters:
    ///   - plan: plan of the data set.
    ///   - device: device of the networks.
    ///   - threads: threads of one operator on the CPU; nil keeps the setting of the process.
    public init(_ plan: FaceDatasetPlan, device: Device = .cpu, threads: Int? = nil) {
        (self.plan, self.device, self.threads) = (plan, device, threads)
    }

    /// Builds the data set, or continues an interrupted call.
    /// - Parameters:
    ///   - progress: called on any thread.
    ///   - notice: called with sentences for the user, such as that the detector is missing.
    /// - Returns: statistics; those of the finished data set if the folder has one of the same plan.
    /// - Throws: `FaceDatasetError` for an invalid plan, a folder with other contents, too little space, and combinations of
    ///   attributes that cannot be filled; `CheckpointError`, `SynthesisError`, `WeightsError`, `DataError`, `EvaluationError`
    ///   and `FileError` for what cannot be read or written; `CancellationError`.
    public func build(
        progress: @escaping @Sendable (Stage) -> Void = { _ in },
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> FaceDatasetSummary {
        try plan.validate()
        let found = try WorkFolder.examine(plan.folder)
        let parts = try await DatasetParts(
            plan, device: device, threads: threads, progress: progress, notice: notice)
        if found == .finished {
            let (lines, summary) = try Manifest.read(plan.folder)
            guard lines == parts.facts.lines else {
                throw FaceDatasetError(
                    "\(plan.folder): the folder has a finished data set of another command; choose another folder with "
                        + "--out")
            }
            try WorkFolder.removeRemains(plan.folder)
            notice("\(plan.folder): the data set is finished already; nothing was changed.")
            return summary
        }
        // Reports an unknown attribute before anything is written.
        var selection = try Selection(
            plan, attributes: parts.facts.attributes, copyLimit: parts.facts.reference?.limit)
        if found == .nothing { try DiskSpace.check(parts.facts, parts.layout, notice: notice) }
        let work = try WorkFolder(plan.folder, plan: parts.facts.lines, layout: parts.layout)
        if let state = work.state {
            notice("Continues with \(state.records) of \(plan.count) pictures.")
        }
        try await select(&selection, parts, work, progress)
        progress(.scoring)
        let faces = try work.contents()
        let labeler = parts.labeler
        let statistics = try await FaceDatasetStatistics(
            faces, parts.facts, counts: selection.counts, scores: { await labeler.scores($0) },
            identities: { await labeler.identities(of: $0) })
        try DatasetOutputs(faces: faces, facts: parts.facts, statistics: statistics).write(
            to: work, progress: progress)
        return statistics.summary
    }

    // MARK: Selection

    /// Generates and selects candidates until the data set is complete. While a chunk is encoded and written, the engine computes
    /// the next one.
    private func select(
        _ selection: inout Selection, _ parts: DatasetParts, _ work: WorkFolder,
        _ progress: @Sendable (Stage) -> Void
    ) async throws {
        if let state = work.state { try await restore(state, &selection, work, parts.labeler) }
        guard !selection.isComplete else { return }
        var next = labeledChunk(parts, work.state?.chunks ?? 0)
        let result: Result<Void, any Error>
        do {
            try await examine(&next, &selection, parts, work, progress)
            result = .success(())
        } catch { result = .failure(error) }
        // The engine must be idle before the process ends.
        next.cancel()
        _ = await next.result
        try result.get()
    }

    /// Examines chunks until the data set is complete. `next` is the chunk that is being computed.
    private func examine(
        _ next: inout Task<[Candidate], any Error>, _ selection: inout Selection, _ parts: DatasetParts,
        _ work: WorkFolder, _ progress: @Sendable (Stage) -> Void
    ) async throws {
        var number = work.state?.chunks ?? 0
        while true {
            progress(
                .selecting(
                    done: selection.acceptedPersons * plan.picturesPerIdentity, total: plan.count,
                    examined: selection.counts.examined, expected: selection.expectedCandidates))
            if selection.isComplete { return }
            if let shortage = selection.shortage(limit: plan.allowedCandidates) { throw shortage }
            let current = next
            let candidates = try await withTaskCancellationHandler {
                try await current.value
            } onCancel: {
                current.cancel()
            }
            try Task.checkCancellation()
            number += 1
            next = labeledChunk(parts, number)
            let proximity = await parts.labeler.proximity(candidates.map(\.labels.features))
            let chosen = choose(candidates, proximity, &selection)
            await parts.labeler.accept(chosen.map(\.candidate.labels.features))
            let accepted = await detected(chosen, parts.labeler)
            let pngs = try ParallelPictures.map(0..<accepted.count) { try accepted[$0].candidate.image.png() }
            try work.commit(pngs, accepted.map(\.record), chunks: number, counts: selection.counts)
        }
    }

    /// Candidates of a chunk with their labels and hashes, computed in the background.
    private func labeledChunk(_ parts: DatasetParts, _ number: Int) -> Task<[Candidate], any Error> {
        Task {
            let chunk = try await parts.source.chunk(number)
            try Task.checkCancellation()
            var labels = await parts.labeler.labels(of: chunk.map(\.image))
            if plan.requiresFace {
                let found = await parts.labeler.detections(in: chunk.map(\.image))
                for row in labels.indices { labels[row].detection = found[row] }
            }
            let labeled = labels
            return try ParallelPictures.map(0..<chunk.count) { row in
                Candidate(
                    source: chunk[row].source, image: chunk[row].image, labels: labeled[row],
                    hashes: PictureHashes(chunk[row].image.picture))
            }
        }
    }

    /// Accepted candidates of a chunk and their records.
    private func choose(
        _ candidates: [Candidate], _ proximity: [Proximity], _ selection: inout Selection
    ) -> [(candidate: Candidate, record: FaceRecord)] {
        var accepted: [(candidate: Candidate, record: FaceRecord)] = []
        let size = plan.picturesPerIdentity
        for start in stride(from: 0, to: candidates.count, by: size) where !selection.isComplete {
            let person = Array(candidates[start..<start + size])
            let near = Array(proximity[start..<start + size])
            let rank = selection.acceptedPersons
            let decision = selection.examine(
                person, near, acceptedInChunk: accepted.map(\.candidate.labels.features))
            guard case .accepted(let cell, let split) = decision else { continue }
            for (candidate, found) in zip(person, near) {
                var record = FaceRecord()
                (record.candidate, record.variant) = (candidate.source.index, candidate.source.variant)
                (record.person, record.cell, record.split) = (rank, cell, split)
                (record.seed, record.fineSeed) = (candidate.source.seed, candidate.source.fineSeed)
                (record.hashes, record.labels) = (candidate.hashes, candidate.labels)
                (record.requested, record.photograph) = (candidate.source.requested, found.photograph)
                (record.z, record.w) = (candidate.source.z, candidate.source.w)
                accepted.append((candidate, record))
            }
        }
        return accepted
    }

    /// Adds the detected faces to the records of accepted candidates.
    private func detected(
        _ accepted: [(candidate: Candidate, record: FaceRecord)], _ labeler: FaceLabeler
    ) async -> [(candidate: Candidate, record: FaceRecord)] {
        // They are known already.
        if plan.requiresFace { return accepted }
        let found = await labeler.detections(in: accepted.map(\.candidate.image))
        return zip(accepted, found).map { item, face in
            var record = item.record
            record.labels.detection = face
            return (item.candidate, record)
        }
    }

    private func restore(
        _ state: WorkFolder.State, _ selection: inout Selection, _ work: WorkFolder, _ labeler: FaceLabeler
    ) async throws {
        let faces = try work.contents()
        var hashes: [PictureHashes] = []
        let step = 1024
        for start in stride(from: 0, to: state.records, by: step) {
            let records = try (start..<min(state.records, start + step)).map { try faces.record($0) }
            hashes += records.map(\.hashes)
            await labeler.accept(records.map(\.labels.features))
        }
        selection.restore(state.counts, hashes: hashes)
    }
}

/// Loaded networks and facts of a plan.
struct DatasetParts: Sendable {
    let source: CandidateSource
    let labeler: FaceLabeler
    let facts: DatasetFacts
    let layout: RecordLayout

    /// Loads the model, the networks and the photographs.
    init(
        _ plan: FaceDatasetPlan, device: Device, threads: Int?,
        progress: @escaping @Sendable (FaceDatasetBuilder.Stage) -> Void,
        notice: @Sendable (String) -> Void
    ) async throws {
        let engine = EngineThread()
        let service = FaceService(device: device, threads: threads, engine: engine)
        let labeler = FaceLabeler(engine: engine, device: device, threads: threads)
        self.labeler = labeler
        let faces = try await service.load(
            plan.model, state: plan.state, weights: plan.weights, precision: plan.precision,
            options: plan.options)
        // Reports an unknown attribute before any work.
        _ = try await service.points(of: faces, seeds: [plan.firstSeed], requesting: plan.requested)
        let networks = try await labeler.load(face: plan.face)
        try Self.check(plan, networks, notice)
        let source = try await CandidateSource(service, faces, plan)
        self.source = source
        let info = faces.info
        let data = info.facts["dataProtocol"].flatMap { try? Datasets.DataProtocol.parse($0) }
        let reference =
            plan.reference == nil
            ? nil
            : try await labeler.loadReference(plan, suggested: data) {
                progress(.readingPhotographs(done: $0, total: $1))
            }
        let w = source.recordedW.flatMap { space in
            source.rows.map { rows in
                (space: space.rawValue, shape: space == .w ? [rows.width] : [rows.count, rows.width])
            }
        }
        let name =
            plan.name ?? "\(plan.model.split(separator: "/").last.map(String.init) ?? plan.model) faces"
        facts = DatasetFacts(
            plan: plan,
            lines: Self.lines(plan, faces, networks, reference, source, name: name, device: device),
            name: name, side: faces.resolution, model: info.digest, recipe: info.recipe.name,
            imagesSeen: info.facts["origin"] == nil ? info.clock.images : nil, dataProtocol: data?.name,
            precision: faces.precision.rawValue, attributes: networks.attributes,
            requested: faces.attributes, networks: networks, reference: reference,
            identityRows: source.identityRows, w: w)
        layout = RecordLayout(
            logits: networks.attributes.count, features: networks.featureCount,
            requested: faces.attributes.count,
            z: source.recordsZ ? faces.latentSpace.size : 0, w: w?.shape.reduce(1, *) ?? 0)
    }

    private static func check(
        _ plan: FaceDatasetPlan, _ networks: FaceLabeler.Networks, _ notice: (String) -> Void
    ) throws {
        guard networks.detector == nil else { return }
        guard !plan.requiresFace else {
            throw FaceDatasetError(
                "the removal of pictures without a face requires the detector: run `facegan weights get yunet` once"
            )
        }
        notice(
            "No box and landmarks: the detector is not on this machine (facegan weights get yunet).")
    }

    /// Everything that determines the bytes of the data set, one line for each setting.
    private static func lines(
        _ plan: FaceDatasetPlan, _ faces: FaceService.LoadedFaces, _ networks: FaceLabeler.Networks,
        _ reference: ReferenceFaces.Facts?, _ source: CandidateSource, name: String, device: Device
    ) -> [String] {
        let requested = plan.requested.map { "\($0.name)=\($0.isPresent ? 1 : 0)" }
        return [
            "format: \(WorkFolder.format)", "program: \(Origin.program), libtorch \(Engine.version)",
            "model: \(faces.info.digest), \(faces.info.weights.rawValue) weights, \(faces.precision.rawValue), \(device)",
            "pictures: \(plan.count), seeds from \(plan.firstSeed)",
            "identities: \(plan.picturesPerIdentity) pictures each, \(source.identityRows) shared rows",
            "splits: \(plan.splits)", "balance: \(plan.balance.joined(separator: ","))",
            "requested: \(requested.joined(separator: ","))",
            "psi: \(plan.options.psi), cutoff \(plan.options.cutoff.map(String.init) ?? "none"), "
                + "noise \(plan.options.noise.rawValue)",
            "formats: \(plan.formats.map(\.rawValue).joined(separator: ","))",
            "latents: \(plan.latentSpaces.map(\.rawValue).joined(separator: ","))",
            "face network: \(networks.face)", "detector: \(networks.detector ?? "none")",
            "identity network: \(networks.identity ?? "none")",
            "photographs: "
                + (reference.map { "\($0.contentHash), \($0.dataProtocol), quantile \($0.quantile)" }
                    ?? "none"),
            "duplicates: \(plan.removesDuplicates ? "removed" : "kept")",
            "faces required: \(plan.requiresFace ? "yes" : "no")",
            "name: \(name)", "license: \(plan.license)", "date: \(plan.date ?? "none")",
        ]
    }
}
