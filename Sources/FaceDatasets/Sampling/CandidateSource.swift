import Checkpoints
import Imaging
import Models
import Provenance
import Recipes
import Synthesis

/// Candidates in chunks of a fixed size, in order of their seeds. A chunk does not depend on other chunks.
struct CandidateSource: Sendable {
    let service: FaceService
    let faces: FaceService.LoadedFaces
    let plan: FaceDatasetPlan
    /// Number L of rows of w+ and their length W; nil without a space w.
    let rows: (count: Int, width: Int)?
    /// Number of rows that the pictures of a person share.
    let identityRows: Int

    /// Stream of `RandomStream` for the seeds of fine rows.
    private static let fineStream: UInt64 = 0xFACE_0F1E
    /// Largest number of pictures in a chunk.
    static let chunkSize = 64

    /// - Throws: `FaceDatasetError` for a plan that the model cannot fulfill; `SynthesisError`, `CheckpointError`.
    init(_ service: FaceService, _ faces: FaceService.LoadedFaces, _ plan: FaceDatasetPlan) async throws {
        (self.service, self.faces, self.plan) = (service, faces, plan)
        guard faces.spaces.contains(.wPlus) else {
            guard plan.picturesPerIdentity == 1 else {
                throw FaceDatasetError(
                    "\(faces.info.path): several pictures of a person require a style generator, such as that of the "
                        + "recipe stylegan2; this model is \(faces.info.recipe.name)")
            }
            (rows, identityRows) = (nil, 0)
            return
        }
        let shape = try await service.points(of: faces, seeds: [plan.firstSeed], space: .wPlus)[0].shape
        rows = (shape[0], shape[1])
        identityRows = plan.identityRows ?? max(1, (6 * shape[0] + 5) / 10)
        guard plan.picturesPerIdentity == 1 || (1..<shape[0]).contains(identityRows) else {
            throw FaceDatasetError(
                "identity rows: expected 1 to \(shape[0] - 1) of the \(shape[0]) rows of w+, got \(identityRows)"
            )
        }
    }

    /// Number of persons in a chunk.
    var personsPerChunk: Int { Self.chunkSize / plan.picturesPerIdentity }

    /// Whether z is recorded: with several pictures of a person, it does not determine a picture.
    var recordsZ: Bool { plan.latentSpaces.contains(.z) && plan.picturesPerIdentity == 1 }
    /// Space of the recorded intermediate latents; nil for none. Rows of w+ are equal if neither persons nor truncation
    /// distinguish them.
    var recordedW: LatentPoint.Space? {
        guard rows != nil, plan.latentSpaces.contains(.w) else { return nil }
        return plan.picturesPerIdentity > 1 || plan.options.cutoff != nil ? .wPlus : .w
    }

    /// Sources and pictures of a chunk.
    /// - Throws: `SynthesisError`, `CheckpointError`, `CancellationError`.
    func chunk(_ number: Int) async throws -> [(source: Candidate.Source, image: SyntheticImage)] {
        let persons = (0..<personsPerChunk).map { number * personsPerChunk + $0 }
        let seeds = persons.map { plan.firstSeed + UInt64($0) }
        let z = try await service.points(of: faces, seeds: seeds, space: .z, requesting: plan.requested)
        let requested = z.map { ($0.labels ?? []).map { Int8($0 > 0 ? 1 : $0 < 0 ? -1 : 0) } }
        if plan.picturesPerIdentity > 1 {
            return try await groups(number, seeds, requested)
        }
        let w =
            recordedW == nil
            ? []
            : try await service.points(
                of: faces, seeds: seeds, space: recordedW ?? .w, requesting: plan.requested)
        let images = try await service.faces(
            of: faces, from: seeds.map { .seed($0) }, requesting: plan.requested, batchSize: plan.batchSize)
        return seeds.indices.map { row in
            (
                Candidate.Source(
                    index: persons[row], variant: 0, seed: seeds[row], fineSeed: nil,
                    z: recordsZ ? z[row].values : [], w: w.isEmpty ? [] : w[row].values,
                    requested: requested[row]), images[row]
            )
        }
    }

    /// Several pictures of each person: the coarse rows of w+ are those of the person, the fine rows those of other seeds.
    private func groups(
        _ number: Int, _ seeds: [UInt64], _ requested: [[Int8]]
    ) async throws -> [(source: Candidate.Source, image: SyntheticImage)] {
        guard let rows else { return [] }
        let variants = plan.picturesPerIdentity
        let fineSeeds = seeds.map { seed in
            (1..<variants).map { variant in
                var stream = RandomStream(seed: seed, stream: Self.fineStream, index: UInt64(variant))
                return stream.next()
            }
        }
        let own = try await service.points(
            of: faces, seeds: seeds, space: .wPlus, requesting: plan.requested)
        let other = try await service.points(
            of: faces, seeds: fineSeeds.flatMap(\.self), space: .wPlus, requesting: plan.requested)
        let shared = identityRows * rows.width
        var sources: [Candidate.Source] = []
        var points: [LatentPoint] = []
        for (person, seed) in seeds.enumerated() {
            for variant in 0..<variants {
                let fine = variant == 0 ? nil : fineSeeds[person][variant - 1]
                var values = own[person].values
                var origin = "seed \(seed)"
                if let fine {
                    let from = other[person * (variants - 1) + variant - 1].values
                    values.replaceSubrange(shared..., with: from[shared...])
                    origin += ", rows from \(identityRows) of seed \(fine)"
                }
                points.append(
                    try LatentPoint(
                        .wPlus, shape: [rows.count, rows.width], values: values, origin: origin))
                sources.append(
                    Candidate.Source(
                        index: (number * personsPerChunk + person) * variants + variant, variant: variant,
                        seed: seed, fineSeed: fine, z: [], w: recordedW == nil ? [] : values,
                        requested: requested[person]))
            }
        }
        let images = try await service.faces(
            of: faces, from: points.map { .point($0) }, batchSize: plan.batchSize)
        return Array(zip(sources, images)).map { (source: $0.0, image: $0.1) }
    }
}
