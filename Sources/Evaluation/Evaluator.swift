import Datasets
import Files
import Foundation
import Metrics
import Torch

/// Judges pictures, against others or by themselves: one walk over each set, features shared by all metrics.
public struct Evaluator {
    /// How far an evaluation is.
    public enum Stage: Sendable, Equatable {
        case walking(title: String, done: Int, total: Int)
        case computing(metric: String)
    }

    public let metrics: [Metric]
    private let networks: [FeatureExtractor]
    private let cache: FeatureCache?
    private let device: Device
    private let seed: UInt64

    /// - Parameters:
    ///   - networks: all that the metrics name; more are ignored.
    ///   - seed: of everything that is drawn.
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

    /// - Parameters:
    ///   - reference: what the pictures should be like; nil for metrics that need none.
    ///   - progress: called between batches and metrics.
    ///   - isCancelled: asked as often.
    /// - Throws: `EvaluationError` for sets that do not compare; `CancellationError`.
    public func callAsFunction(
        _ judged: any PictureSet, against reference: (any PictureSet)? = nil,
        progress: (Stage) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> Evaluation {
        let started = ProcessInfo.processInfo.systemUptime
        var evaluation = Evaluation(judged: judged, reference: reference, engine: Engine.version)
        evaluation.warnings = try Self.comparability(judged, reference)
        let pass = FeaturePass(networks, cache: cache, device: device)
        func walk(_ pictures: any PictureSet) throws -> [String: FeatureSet] {
            try pass(
                pictures, progress: { progress(.walking(title: pictures.title, done: $0, total: $1)) },
                isCancelled: isCancelled)
        }
        let real = try reference.map(walk) ?? [:]
        let made = networks.isEmpty ? [:] : try walk(judged)
        var manifolds: [String: PrecisionRecall] = [:]
        for metric in metrics where reference != nil || !metric.needsReference {
            if isCancelled() { throw CancellationError() }
            progress(.computing(metric: "\(metric)"))
            let (own, other) = (metric.network.flatMap { made[$0] }, metric.network.flatMap { real[$0] })
            let scorer = Scorer(
                metric: metric, judged: judged, reference: reference, made: own, real: other,
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

    /// What a reader must know before believing a comparison.
    /// - Throws: `EvaluationError` when the pictures were made by different protocols.
    static func comparability(_ judged: any PictureSet, _ reference: (any PictureSet)?) throws -> [String] {
        guard let reference else { return judged.warnings }
        guard judged.data.hash == reference.data.hash else {
            throw EvaluationError(
                "the pictures follow different protocols, and crops and filters move scores more than models do:\n"
                    + "  \(judged.title): \(judged.data)\n  \(reference.title): \(reference.data)\n"
                    + "Name one for both (--protocol \(reference.data.name)), or train and pack under one.")
        }
        var warnings = judged.warnings + reference.warnings
        if judged.contentHash == reference.contentHash { warnings.append("both sides are the same pictures") }
        if let psi = judged.drawn?.truncationPsi, psi != 1 {
            warnings.append(
                "truncated at psi \(psi): better precision, worse recall, not comparable with untruncated")
        }
        return warnings
    }
}

/// Why pictures cannot be judged or compared; says what, where and what to do.
public struct EvaluationError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// One walk over a set of pictures for any number of networks; memory does not grow with the set.
public struct FeaturePass {
    /// Rows that are kept for metrics that compare picture with picture.
    public static let sampleCount = 10_000
    private static let batchSize = 64

    private let networks: [FeatureExtractor]
    private let cache: FeatureCache?
    private let device: Device

    public init(_ networks: [FeatureExtractor], cache: FeatureCache? = nil, device: Device = .cpu) {
        (self.networks, self.cache, self.device) = (networks, cache, device)
    }

    /// - Parameters:
    ///   - progress: pictures done and pictures in all.
    ///   - isCancelled: asked between batches.
    /// - Returns: for each network by its name.
    /// - Throws: `CancellationError`.
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

    /// Which pictures of a set belong to its sample.
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

/// Features of pictures that were judged before, by the content of the pictures and of the network, never by a path.
public struct FeatureCache {
    private let folder: String

    /// - Parameter folder: nil takes the usual one.
    public init(folder: String? = nil) { self.folder = (folder ?? StoreCache().folder) + "/features" }

    private func path(_ pictures: some PictureSet, _ network: FeatureExtractor) -> String {
        let key =
            "features 1; \(pictures.contentHash); \(network.name) \(network.digest); \(FeaturePass.sampleCount)"
        let digest = Digest.sha256(key)
        return "\(folder)/\(network.name)-\(digest.prefix(24)).safetensors"
    }

    /// nil when there is nothing, or nothing that can be used.
    func read(_ pictures: some PictureSet, _ network: FeatureExtractor) -> FeatureSet? {
        let path = path(pictures, network)
        guard FileManager.default.fileExists(atPath: path),
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

/// What is known of a set of pictures through one network's eyes.
public struct FeatureSet {
    /// Over all pictures.
    public let moments: FeatureMoments
    /// Features of at most `FeaturePass.sampleCount` pictures, evenly chosen, [S, D] float32.
    public let sample: Tensor
    /// The network's answers for the same pictures, [S, A]; nil where it gives none.
    public let logits: Tensor?
    /// Which pictures the rows of the sample are.
    public let rows: [Int]
}
