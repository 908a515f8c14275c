import Datasets
import Foundation
import Metrics
import Models
import PretrainedWeights
import Torch
import TorchNN

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

/// A distance or likeness between a picture and the one that it should equal.
public struct PairMeasure {
    /// Such as `psnr-y`.
    public let name: String
    public let label: String
    /// Network behind it, or `pixels`.
    public let features: String
    public let isLowerBetter: Bool
    let notes: [String]
    let function: (Tensor, Tensor) -> Tensor

    /// Of pictures [N, 3, H, W] in -1...1 and as many others: [N].
    public func callAsFunction(_ images: Tensor, _ others: Tensor) -> Tensor { function(images, others) }

    /// All measures whose weights are on this machine, for pictures of one size.
    public static func available(side: Int, device: Device = .cpu) throws -> [PairMeasure] {
        try pixels(side: side) + [faces(device: device)] + perceptual(device: device)
            + identity(device: device)
    }

    private static func pixels(side: Int) -> [PairMeasure] {
        func measure(
            _ name: String, _ label: String, _ notes: [String] = [],
            _ function: @escaping (Tensor, Tensor) -> Tensor
        ) -> PairMeasure {
            PairMeasure(
                name: name, label: label, features: "pixels", isLowerBetter: false, notes: notes,
                function: function)
        }
        var measures = [
            measure("psnr", "PSNR, dB") { PairDistances.psnr($0, $1) },
            measure("psnr-y", "PSNR of luma, dB") { PairDistances.psnr($0, $1, channels: .luma) },
            measure("ssim", "SSIM") { PairDistances.ssim($0, $1) },
        ]
        let scales = PairDistances.msSSIMScales(height: side, width: side)
        if scales > 1 {
            let note = "\(scales) of five scales: the pictures are small, and only the same number compares"
            measures.append(
                measure("ms-ssim", "MS-SSIM", scales < 5 ? [note] : []) { PairDistances.msSSIM($0, $1) })
        }
        return measures
    }

    private static func faces(device: Device) throws -> PairMeasure {
        let judge = try FeatureExtractors.load("face", device: device)
        return PairMeasure(
            name: "distance-face", label: "face-feature distance",
            features: "\(judge.name) \(judge.digest.prefix(12))", isLowerBetter: true,
            notes: ["1 less the cosine of the features"]
        ) { a, b in 1 - cosine(judge(a).features, judge(b).features) }
    }

    private static func perceptual(device: Device) throws -> [PairMeasure] {
        FeatureNetworks.distanceNames.compactMap { name in
            guard let distance = try? FeatureNetworks.perceptualDistance(name) else { return nil }
            distance.move(to: device, format: .channelsLast)
            return PairMeasure(
                name: name, label: distance.name, features: name, isLowerBetter: true, notes: [],
                function: { distance($0, $1) })
        }
    }

    private static func identity(device: Device) throws -> [PairMeasure] {
        guard FeatureExtractors.isHere("mobilefacenet") else { return [] }
        let judge = try FeatureExtractors.load("mobilefacenet", device: device)
        return [
            PairMeasure(
                name: "identity", label: "identity similarity",
                features: "\(judge.name) \(judge.digest.prefix(12))", isLowerBetter: false,
                notes: ["cosine of MobileFaceNet's embeddings; it wants the face alone"]
            ) { a, b in cosine(judge(a).features, judge(b).features) }
        ]
    }

    /// Cosines [N] of rows [N, D].
    static func cosine(_ a: Tensor, _ b: Tensor) -> Tensor {
        (a * b).sum([1]) / (a.norm([1]) * b.norm([1])).clampedBelow(1e-12)
    }
}
