import Datasets
import Foundation
import Metrics
import Torch

/// Compares each picture of a set with the picture in the same place of another one.
public struct PairEvaluator {
    private let measures: [PairMeasure]
    private let device: Device

    private static let batchSize = 32
    private static let shownCount = 24

    public init(_ measures: [PairMeasure], device: Device = .cpu) {
        (self.measures, self.device) = (measures, device)
    }

    /// - Returns: means with their intervals; the pairs that are furthest apart by the first measure as neighbors.
    /// - Throws: `EvaluationError` for sets that have no pairs; `CancellationError`.
    public func callAsFunction(
        _ judged: any PictureSet, against reference: any PictureSet,
        progress: (Evaluator.Stage) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> Evaluation {
        guard judged.count == reference.count, judged.side == reference.side else {
            throw EvaluationError(
                "pairs need as many pictures of one size on both sides, in the same order of names:\n"
                    + "  \(judged.title): \(judged.count) of \(judged.side)x\(judged.side)\n"
                    + "  \(reference.title): \(reference.count) of \(reference.side)x\(reference.side)")
        }
        let started = ProcessInfo.processInfo.systemUptime
        var evaluation = Evaluation(judged: judged, reference: reference, engine: Engine.version)
        evaluation.isPaired = true
        evaluation.warnings = try Evaluator.comparability(judged, reference)
        var values = measures.map { _ in [Double]() }
        for start in stride(from: 0, to: judged.count, by: Self.batchSize) {
            if isCancelled() { throw CancellationError() }
            let range = start..<min(judged.count, start + Self.batchSize)
            let (a, b) = (judged.images(range, on: device), reference.images(range, on: device))
            for (index, measure) in measures.enumerated() {
                values[index] += withoutGradients { measure.function(a, b).doubles() }
            }
            progress(.walking(title: judged.title, done: range.upperBound, total: judged.count))
        }
        evaluation.scores = zip(measures, values).map { measure, values in
            Score(
                measure.name, measure.label, Self.mean(values, measure.notes), judgedCount: values.count,
                referenceCount: values.count, features: measure.features, protocolHash: judged.data.hash,
                isLowerBetter: measure.isLowerBetter)
        }
        if let first = measures.first, let by = values.first {
            let order = by.indices.sorted { first.isLowerBetter ? by[$0] > by[$1] : by[$0] < by[$1] }
            evaluation.neighbors = order.prefix(Self.shownCount).enumerated().map { rank, row in
                .init(
                    judged: row, reference: row, distance: by[row],
                    quantile: Double(rank) / Double(max(1, by.count)))
            }
        }
        evaluation.seconds = ProcessInfo.processInfo.systemUptime - started
        return evaluation
    }

    /// The mean over pairs; equal pictures, whose PSNR is infinite, are left out and counted.
    static func mean(_ values: [Double], _ notes: [String]) -> Estimate {
        let finite = values.filter(\.isFinite)
        let left = values.count - finite.count
        let notes = notes + (left > 0 ? ["\(left) equal pairs have no finite value and are left out"] : [])
        return finite.isEmpty
            ? Estimate(value: values.first ?? .nan, notes: notes) : Estimate(meanOf: finite, notes: notes)
    }
}
