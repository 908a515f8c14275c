import Datasets
import Files
import Foundation
import Metrics
import Torch

/// Evaluation of pictures, with or without reference pictures.
///
/// Every set is read once; all metrics share the features.
public struct Evaluator {
    /// Progress of an evaluation.
    public enum Stage: Sendable, Equatable {
        /// Extraction of features from a set of pictures.
        case reading(title: String, done: Int, total: Int)
        /// Computation of a metric.
        case computing(metric: String)
    }

    /// Metrics to compute.
    public let metrics: [Metric]
    private let networks: [FeatureExtractor]
    private let cache: FeatureCache?
    private let device: Device
    private let seed: UInt64

    /// - Parameters:
    ///   - metrics: metrics to compute.
    ///   - networks: feature networks of the metrics; other networks are ignored. Traps if one is missing.
    ///   - cache: cache of features of photographs; nil for none.
    ///   - device: device of the networks.
    ///   - seed: seed of random subsets and resampling.
    public init(
        _ metrics: [Metric], networks: [FeatureExtractor], cache: FeatureCache? = FeatureCache(),
        device: Device = .cpu,
        seed: UInt64 = 0
    ) {
        let needed = Set(metrics.compactMap(\.network))
        (self.metrics, self.networks) = (metrics, networks.filter { needed.contains($0.name) })
        (self.cache, self.device, self.seed) = (cache, device, seed)
        precondition(
            needed.isSubset(of: networks.map(\.name)),
            "Evaluator: expected the networks \(needed.sorted()), got \(networks.map(\.name))")
    }

    /// Evaluates pictures.
    /// - Parameters:
    ///   - evaluated: pictures to evaluate.
    ///   - reference: reference pictures; nil skips metrics that need them.
    ///   - progress: called between batches and metrics.
    ///   - isCancelled: called between batches and metrics.
    /// - Throws: `EvaluationError` for sets of different protocols, and for metrics that do not apply to the pictures or to their
    ///   number; `CheckpointError` and `WeightsError` for missing networks; `FileError` for the cache; `CancellationError`.
    public func callAsFunction(
        _ evaluated: any PictureSet, against reference: (any PictureSet)? = nil,
        progress: (Stage) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> Evaluation {
        let started = ProcessInfo.processInfo.systemUptime
        var evaluation = Evaluation(evaluated: evaluated, reference: reference, engine: Engine.version)
        evaluation.warnings = try Self.comparability(evaluated, reference)
        let obstacles = metrics.filter { reference != nil || !$0.needsReference }.compactMap {
            $0.obstacle(evaluated: evaluated.count, reference: reference?.count, side: evaluated.side)
        }
        guard obstacles.isEmpty else {
            throw EvaluationError(obstacles.joined(separator: "; ") + ": add pictures, or omit the metric")
        }
        let pass = FeaturePass(networks, cache: cache, device: device)
        func extract(_ pictures: any PictureSet) throws -> [String: FeatureSet] {
            try pass(
                pictures, progress: { progress(.reading(title: pictures.title, done: $0, total: $1)) },
                isCancelled: isCancelled)
        }
        let real = try reference.map(extract) ?? [:]
        let made = networks.isEmpty ? [:] : try extract(evaluated)
        var manifolds: [String: PrecisionRecall] = [:]
        for metric in metrics where reference != nil || !metric.needsReference {
            if isCancelled() { throw CancellationError() }
            progress(.computing(metric: "\(metric)"))
            let (own, other) = (metric.network.flatMap { made[$0] }, metric.network.flatMap { real[$0] })
            let scorer = Scorer(
                metric: metric, evaluated: evaluated, reference: reference, made: own, real: other,
                network: metric.network.flatMap { name in networks.first { $0.name == name } },
                device: device, seed: seed
            ) {
                guard let name = metric.network, let own, let other else { return nil }
                if manifolds[name] == nil {
                    manifolds[name] = PrecisionRecall(evaluated: own.sample, reference: other.sample)
                }
                return manifolds[name]
            }
            try scorer.add(to: &evaluation)
        }
        evaluation.seconds = ProcessInfo.processInfo.systemUptime - started
        return evaluation
    }

    /// Warnings about a comparison.
    /// - Throws: `EvaluationError` if the pictures have different protocols.
    static func comparability(_ evaluated: any PictureSet, _ reference: (any PictureSet)?) throws -> [String]
    {
        guard let reference else { return evaluated.warnings }
        guard evaluated.data.hash == reference.data.hash else {
            throw EvaluationError(
                "the pictures have different data protocols; their scores cannot be compared:\n"
                    + "  \(evaluated.title): \(evaluated.data)\n  \(reference.title): \(reference.data)\n"
                    + "Use one protocol for both (--protocol \(reference.data.name)), or train and pack under one protocol."
            )
        }
        var warnings = evaluated.warnings + reference.warnings
        if evaluated.contentHash == reference.contentHash {
            warnings.append("both sides have the same pictures")
        }
        if let psi = evaluated.drawn?.truncationPsi, psi != 1 {
            warnings.append(
                "truncated with psi \(psi): higher precision and lower recall; not comparable with untruncated faces"
            )
        }
        return warnings
    }
}

/// Error for pictures that cannot be evaluated or compared. The description names the problem and a remedy.
public struct EvaluationError: Error, CustomStringConvertible, Sendable {
    /// Message for the user.
    public let description: String

    /// - Parameter description: message for the user.
    public init(_ description: String) { self.description = description }
}

/// Extraction of features by any number of networks in one pass over the pictures. Memory does not depend on their number.
public struct FeaturePass {
    /// Limit of the rows that are kept for metrics on single pictures.
    public static let sampleCount = 10_000
    private static let batchSize = 64

    private let networks: [FeatureExtractor]
    private let cache: FeatureCache?
    private let device: Device

    /// - Parameters:
    ///   - networks: feature networks.
    ///   - cache: cache of features; nil for none.
    ///   - device: device of the networks.
    public init(_ networks: [FeatureExtractor], cache: FeatureCache? = nil, device: Device = .cpu) {
        (self.networks, self.cache, self.device) = (networks, cache, device)
    }

    /// Extracts features.
    /// - Parameters:
    ///   - pictures: any number of pictures.
    ///   - progress: called with the processed and total numbers of pictures.
    ///   - isCancelled: called between batches.
    /// - Returns: features by the name of their network.
    /// - Throws: `CancellationError`; `FileError` if the cache cannot be written.
    public func callAsFunction(
        _ pictures: some PictureSet, progress: (Int, Int) -> Void = { _, _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> [String: FeatureSet] {
        var found: [String: FeatureSet] = [:]
        for network in networks {
            found[network.name] = pictures.isLasting ? cache?.read(pictures, network) : nil
        }
        let missing = networks.filter { found[$0.name] == nil }
        guard !missing.isEmpty else { return found }

        let rows = Self.rows(of: pictures.count)
        let chosen = rows.count == pictures.count ? nil : Set(rows)
        var parts = missing.map { Part(dimension: $0.featureCount, device: device) }
        for start in stride(from: 0, to: pictures.count, by: Self.batchSize) {
            if isCancelled() { throw CancellationError() }
            let range = start..<min(pictures.count, start + Self.batchSize)
            let images = pictures.images(range, on: device)
            let kept = chosen.map { chosen in range.filter(chosen.contains).map { $0 - start } }
            for (index, network) in missing.enumerated() { parts[index].add(network(images), keeping: kept) }
            progress(range.upperBound, pictures.count)
        }
        for (network, part) in zip(missing, parts) {
            let set = part.set(rows)
            found[network.name] = set
            if pictures.isLasting { try cache?.write(set, pictures, network) }
        }
        return found
    }

    /// Indices of the pictures of the sample, evenly spaced.
    static func rows(of count: Int) -> [Int] {
        count <= sampleCount ? Array(0..<count) : (0..<sampleCount).map { $0 * count / sampleCount }
    }

    private struct Part {
        let moments: FeatureMoments
        var sample: [Tensor] = []
        var logits: [Tensor] = []

        init(dimension: Int, device: Device) {
            moments = FeatureMoments(dimension: dimension, device: device)
        }

        mutating func add(_ found: (features: Tensor, logits: Tensor?), keeping rows: [Int]?) {
            moments.add(found.features)
            if let rows, rows.isEmpty { return }
            func kept(_ tensor: Tensor) -> Tensor {
                rows.map { tensor.indexSelect(0, Tensor($0).to(tensor.device)) } ?? tensor
            }
            sample.append(kept(found.features))
            if let answers = found.logits { logits.append(kept(answers)) }
        }

        func set(_ rows: [Int]) -> FeatureSet {
            FeatureSet(
                moments: moments, sample: Tensor.concatenated(sample),
                logits: logits.isEmpty ? nil : Tensor.concatenated(logits), rows: rows)
        }
    }
}

/// Cache of features on disk. Keys are digests of the pictures and of the network, not paths.
public struct FeatureCache {
    private let folder: String

    /// - Parameter folder: nil for the default folder.
    public init(folder: String? = nil) { self.folder = (folder ?? StoreCache().folder) + "/features" }

    private func path(_ pictures: some PictureSet, _ network: FeatureExtractor) -> String {
        let key =
            "features 1; \(pictures.contentHash); \(network.name) \(network.digest); \(FeaturePass.sampleCount)"
        let digest = Digest.sha256(key)
        return "\(folder)/\(network.name)-\(digest.prefix(24)).safetensors"
    }

    /// Cached features; nil if there are none, or if the file is damaged.
    func read(_ pictures: some PictureSet, _ network: FeatureExtractor) -> FeatureSet? {
        let path = path(pictures, network)
        guard pictures.count > 1, FileManager.default.fileExists(atPath: path),
            let (tensors, metadata) = try? TensorFile.read(path, requiringChecksum: true),
            let count = metadata["count"].flatMap({ Int($0) }), count == pictures.count
        else { return nil }
        let found = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        guard let mean = found["mean"], let covariance = found["covariance"], let sample = found["sample"]
        else {
            return nil
        }
        return FeatureSet(
            moments: FeatureMoments(count: count, mean: mean, covariance: covariance), sample: sample,
            logits: found["logits"], rows: FeaturePass.rows(of: count))
    }

    func write(_ set: FeatureSet, _ pictures: some PictureSet, _ network: FeatureExtractor) throws {
        // One picture has no covariance.
        guard pictures.count > 1 else { return }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let tensors = [
            (name: "mean", tensor: set.moments.mean), ("covariance", set.moments.covariance),
            ("sample", set.sample),
        ]
        try TensorFile.write(
            path(pictures, network), tensors: tensors + (set.logits.map { [("logits", $0)] } ?? []),
            metadata: ["count": "\(set.moments.count)", "network": "\(network.name) \(network.digest)"])
    }
}

/// Features of a set of pictures from one network.
public struct FeatureSet {
    /// Mean and covariance over all pictures.
    public let moments: FeatureMoments
    /// Features [S, D], float32, of at most `FeaturePass.sampleCount` evenly spaced pictures.
    public let sample: Tensor
    /// Logits [S, A] of the same pictures; nil for a network without logits.
    public let logits: Tensor?
    /// Indices of the pictures of the sample [S].
    public let rows: [Int]
}
