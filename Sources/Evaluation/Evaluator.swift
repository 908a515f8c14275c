import Datasets
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
                    manifolds[name] = PrecisionRecall(judged: own.sample, reference: other.sample)
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
