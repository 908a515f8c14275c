import Checkpoints
import Models
import Synthesis
import Torch

/// Finds the directions of a model, from generated faces and a face network alone.
///
/// The result depends on the model, the face network and the settings only. Scores of faces are cached, so that a computation that
/// was stopped continues where it was.
public struct DirectionFinder {
    /// Settings of a computation.
    public struct Settings: Sendable, Equatable {
        /// Number of scored faces, `LinearNormals.minCount` or more.
        public var samples = 8000
        /// Faces on which each direction is measured.
        public var calibrationFaces = 12
        /// Number of SeFa directions, and of principal components.
        public var unsupervised = 10
        /// Mean change of the own logit for one unit.
        public var logitsPerUnit = 2.0
        /// Latent spaces; nil for z and, for a style generator, w.
        public var spaces: [LatentPoint.Space]?

        /// Creates the default settings.
        public init() {}
    }

    /// Part of the computation.
    public enum Stage: Sendable, Equatable {
        /// Generates and scores faces.
        case scoring(done: Int, total: Int)
        /// Fits normals in a space.
        case fitting(LatentPoint.Space)
        /// Measures directions.
        case measuring(done: Int, total: Int)
    }

    private let sampler: FaceSampler
    private let meter: FaceMeter
    private let settings: Settings
    private let progress: (Stage) -> Void
    private let isCancelled: () -> Bool

    /// - Parameters:
    ///   - sampler: the model.
    ///   - meter: the face network.
    ///   - settings: number of faces and directions.
    ///   - progress: called between batches.
    ///   - isCancelled: called between batches.
    public init(
        _ sampler: FaceSampler, _ meter: FaceMeter, settings: Settings = .init(),
        progress: @escaping (Stage) -> Void = { _ in }, isCancelled: @escaping () -> Bool = { false }
    ) {
        (self.sampler, self.meter, self.settings) = (sampler, meter, settings)
        (self.progress, self.isCancelled) = (progress, isCancelled)
    }

    /// Finds the directions.
    /// - Parameter cache: folder for the scores of the faces; nil for none.
    /// - Throws: `EditError` for settings that do not fit the model; `CancellationError`; `FileError` for the cache.
    public func find(cache: String? = nil) throws -> DirectionSet {
        guard settings.samples >= LinearNormals.minCount, settings.calibrationFaces >= 2 else {
            throw EditError(
                "directions: expected \(LinearNormals.minCount) or more samples and 2 or more faces per direction, got"
                    + " \(settings.samples) and \(settings.calibrationFaces)")
        }
        let isStyle = sampler.model.generator is any StyleGenerator
        let spaces = settings.spaces ?? (isStyle ? [.z, .w] : [.z])
        guard spaces.allSatisfy({ $0 == .z || ($0 == .w && isStyle) }), !spaces.isEmpty else {
            throw EditError(
                "\(sampler.model.path): the generator has no space w; use --space z, or a style generator")
        }
        let scores = try SampleScores(
            sampler, meter, count: settings.samples, cache: cache,
            progress: { progress(.scoring(done: $0, total: settings.samples)) }, isCancelled: isCancelled)
        guard scores.logits.isFinite().all().item() == 1 else {
            throw EditError(
                "\(sampler.model.path): a face has a logit that is not finite; the model is damaged")
        }
        let statistics = Statistics(scores.logits)
        var counter = Counter(total: spaces.count * perSpace)
        var found: [SpaceDirections] = []
        for space in spaces { found.append(try directions(space, scores, statistics, &counter)) }
        return DirectionSet(
            attributes: meter.attributes, spaces: found, means: statistics.means,
            deviations: statistics.deviations, correlations: statistics.correlations,
            logitsPerUnit: settings.logitsPerUnit, samples: settings.samples, model: sampler.model.digest,
            network: meter.networkDigest, identityNetwork: meter.identityNetwork)
    }

    /// Number of measured directions of a space, and of batches of the identity axes.
    private var perSpace: Int { 2 * meter.attributes.count + 2 * settings.unsupervised }

    private struct Counter {
        var done = 0
        let total: Int
    }

    /// Means, deviations and correlations of logits [N, K].
    private struct Statistics {
        let means: [Float]
        let deviations: [Float]
        let correlations: [[Float]]

        init(_ logits: Tensor) {
            let values = logits.to(.float64)
            let mean = values.mean([0], keep: true)
            let centered = values - mean
            let deviation = centered.square().mean([0], keep: true).sqrt().clampedBelow(1e-12)
            let scaled = centered / deviation
            let matrix = (scaled.transposed(0, 1).matmul(scaled) * (1 / Double(values.shape[0]))).floats()
            let count = values.shape[1]
            (means, deviations) = (mean.floats(), deviation.floats())
            correlations = (0..<count).map { Array(matrix[($0 * count)..<(($0 + 1) * count)]) }
        }
    }

    /// Latents [N, D] of the samples in a space.
    private func latents(_ space: LatentPoint.Space) throws -> Tensor {
        let parts = try stride(from: 0, to: settings.samples, by: 512).map { start in
            let seeds = (start..<min(settings.samples, start + 512)).map { UInt64($0) }
            let points = try sampler.points(seeds: seeds, space: space)
            return Tensor(points.flatMap(\.values), shape: [points.count, points[0].shape[0]])
        }
        return .concatenated(parts)
    }

    private func directions(
        _ space: LatentPoint.Space, _ scores: SampleScores, _ statistics: Statistics, _ counter: inout Counter
    ) throws -> SpaceDirections {
        progress(.fitting(space))
        let latents = try latents(space)
        let fitted = try LinearNormals(latents: latents, logits: scores.logits, isCancelled: isCancelled)
        let normals = Self.rows(fitted.normals)
        let calibration = try Calibration(
            sampler, meter, space: space, count: settings.calibrationFaces,
            logitsPerUnit: settings.logitsPerUnit, deviations: statistics.deviations)
        func measured(_ name: String, _ kind: Direction.Kind, _ vector: [Float], _ own: Int?) throws
            -> Direction
        {
            if isCancelled() { throw CancellationError() }
            progress(.measuring(done: counter.done, total: counter.total))
            counter.done += 1
            let unit = try calibration.unit(of: vector, attribute: own)
            // A direction without a name may point either way; that of an attribute points as it was fitted.
            let turns = own == nil && unit.isReversed
            return Direction(
                name: name, kind: kind, attribute: meter.attributes[unit.attribute],
                vector: turns ? vector.map { -$0 } : vector, unit: unit.distance,
                effects: turns ? unit.effects.map { -$0 } : unit.effects)
        }
        let names = meter.attributes
        let plain = try names.indices.map { try measured(names[$0], .attribute, normals[$0], $0) }
        let conditional = try names.indices.map { own in
            let scope = names.indices.filter {
                $0 != own && abs(statistics.correlations[own][$0]) < ConditionScope.independenceLimit
            }
            let rest = Vectors.normalized(Vectors.orthogonal(normals[own], to: scope.map { normals[$0] }))
            return try measured(names[own], .attribute, rest, own)
        }
        var others: [Direction] = []
        for (kind, vectors) in closedForm(space, latents, scores.features) {
            for (index, vector) in vectors.enumerated() {
                others.append(try measured("\(kind.rawValue)\(index + 1)", kind, vector, nil))
            }
        }
        let axes = try IdentityAxes.find(
            sampler.model.generator,
            sampler.model.sampler.sample(
                seeds: (0..<UInt64(IdentityAxes.faces)).map { Calibration.firstSeed + $0 }), space: space,
            embedding: meter.embedding, isCancelled: isCancelled)
        return SpaceDirections(
            space: space, normals: plain, conditional: conditional, unsupervised: others,
            qualities: fitted.qualities, identityAxes: axes.axes, identityShares: axes.shares)
    }

    private func closedForm(_ space: LatentPoint.Space, _ latents: Tensor, _ features: Tensor) -> [(
        Direction.Kind, [[Float]]
    )] {
        let count = min(settings.unsupervised, latents.shape[1])
        guard count > 0 else { return [] }
        let weights = ClosedForm.weights(
            of: sampler.model.generator, labels: sampler.model.attributes.count, space: space)
        let sefa = weights.map { Self.rows(ClosedForm.eigenvectors(ofWeights: $0, count: count)) } ?? []
        let pca =
            space == .w
            ? ClosedForm.principalComponents(of: latents, count: count)
            : ClosedForm.principalComponents(of: features, carriedTo: latents, count: count)
        return [(.sefa, sefa), (.pca, Self.rows(pca))]
    }

    /// Rows of a matrix.
    static func rows(_ matrix: Tensor) -> [[Float]] {
        let (flat, width) = (matrix.contiguous().floats(), matrix.shape[1])
        return (0..<matrix.shape[0]).map { Array(flat[($0 * width)..<(($0 + 1) * width)]) }
    }
}
