import Datasets
import Foundation
import Metrics
import Models
import PretrainedWeights
import Torch
import TorchNN

/// Comparison of each picture of a set with the picture of the same index in another set.
public struct PairEvaluator {
    private let measures: [PairMeasure]
    private let device: Device

    private static let batchSize = 32
    private static let shownCount = 24

    /// - Parameters:
    ///   - measures: distances and similarities to compute.
    ///   - device: device of the pictures.
    public init(_ measures: [PairMeasure], device: Device = .cpu) {
        (self.measures, self.device) = (measures, device)
    }

    /// Compares pairs of pictures.
    /// - Parameters:
    ///   - evaluated: pictures to evaluate.
    ///   - reference: pictures that they should equal.
    ///   - progress: called between batches.
    ///   - isCancelled: called between batches.
    /// - Returns: means with their intervals. `neighbors` has the pairs with the largest distance by the first measure.
    /// - Throws: `EvaluationError` for sets of different sizes or protocols; `CancellationError`.
    public func callAsFunction(
        _ evaluated: any PictureSet, against reference: any PictureSet,
        progress: (Evaluator.Stage) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> Evaluation {
        guard evaluated.count == reference.count, evaluated.side == reference.side else {
            throw EvaluationError(
                "pairs require the same number of pictures of the same size on both sides, in the same order of names:\n"
                    + "  \(evaluated.title): \(evaluated.count) of \(evaluated.side)x\(evaluated.side)\n"
                    + "  \(reference.title): \(reference.count) of \(reference.side)x\(reference.side)")
        }
        let started = ProcessInfo.processInfo.systemUptime
        var evaluation = Evaluation(evaluated: evaluated, reference: reference, engine: Engine.version)
        evaluation.isPaired = true
        evaluation.warnings = try Evaluator.comparability(evaluated, reference)
        var values = measures.map { _ in [Double]() }
        for start in stride(from: 0, to: evaluated.count, by: Self.batchSize) {
            if isCancelled() { throw CancellationError() }
            let range = start..<min(evaluated.count, start + Self.batchSize)
            let (a, b) = (evaluated.images(range, on: device), reference.images(range, on: device))
            for (index, measure) in measures.enumerated() {
                values[index] += withoutGradients { measure.function(a, b).doubles() }
            }
            progress(.reading(title: evaluated.title, done: range.upperBound, total: evaluated.count))
        }
        evaluation.scores = zip(measures, values).map { measure, values in
            Score(
                measure.name, measure.label, Self.mean(values, measure.notes), evaluatedCount: values.count,
                referenceCount: values.count, features: measure.features, protocolHash: evaluated.data.hash,
                isLowerBetter: measure.isLowerBetter)
        }
        if let first = measures.first, let by = values.first {
            let order = by.indices.sorted { first.isLowerBetter ? by[$0] > by[$1] : by[$0] < by[$1] }
            evaluation.neighbors = order.prefix(Self.shownCount).enumerated().map { rank, row in
                .init(
                    evaluated: row, reference: row, distance: by[row],
                    quantile: Double(rank) / Double(max(1, by.count)))
            }
        }
        evaluation.seconds = ProcessInfo.processInfo.systemUptime - started
        return evaluation
    }

    /// Mean over pairs. Pairs of equal pictures, whose PSNR is infinite, are excluded and counted.
    static func mean(_ values: [Double], _ notes: [String]) -> Estimate {
        let finite = values.filter(\.isFinite)
        let left = values.count - finite.count
        let notes = notes + (left > 0 ? ["\(left) equal pairs have no finite value and are excluded"] : [])
        return finite.isEmpty
            ? Estimate(value: values.first ?? .nan, notes: notes) : Estimate(meanOf: finite, notes: notes)
    }
}

/// Distance or similarity of two pictures that should be equal.
public struct PairMeasure {
    /// Name of the measure, such as `psnr-y`.
    public let name: String
    /// Name for a reader.
    public let label: String
    /// Feature network and the beginning of the SHA-256 of its weights, or `pixels`.
    public let features: String
    /// Whether lower values are better.
    public let isLowerBetter: Bool
    let notes: [String]
    let function: (Tensor, Tensor) -> Tensor

    /// Values [N] of pictures [N, 3, H, W] and others [N, 3, H, W], both in -1...1.
    public func callAsFunction(_ images: Tensor, _ others: Tensor) -> Tensor { function(images, others) }

    /// Measures that are defined at this size and whose weights are on this machine.
    /// - Parameters:
    ///   - side: width and height of the pictures, in pixels.
    ///   - device: device of the networks.
    /// - Throws: `WeightsError`, `CheckpointError`, `FileError` for networks that cannot be loaded.
    public static func available(side: Int, device: Device = .cpu) throws -> [PairMeasure] {
        try pixels(side: side) + [faces(device: device)] + perceptual(side: side, device: device)
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
        ]
        // SSIM has windows of 11 pixels.
        guard side >= PairDistances.minSSIMSide else { return measures }
        measures.append(measure("ssim", "SSIM") { PairDistances.ssim($0, $1) })
        let scales = PairDistances.msSSIMScales(height: side, width: side)
        if scales > 1 {
            let note =
                "\(scales) of five scales, because the pictures are small; comparable only with the same number of scales"
            measures.append(
                measure("ms-ssim", "MS-SSIM", scales < 5 ? [note] : []) { PairDistances.msSSIM($0, $1) })
        }
        return measures
    }

    private static func faces(device: Device) throws -> PairMeasure {
        let network = try FeatureExtractors.load("face", device: device)
        return PairMeasure(
            name: "distance-face", label: "face-feature distance",
            features: "\(network.name) \(network.digest.prefix(12))", isLowerBetter: true,
            notes: ["1 minus the cosine of the features"]
        ) { a, b in 1 - cosine(network(a).features, network(b).features) }
    }

    /// Smallest width and height for which all layers of the perceptual distances have an output, in pixels.
    private static let minPerceptualSide = 32

    private static func perceptual(side: Int, device: Device) throws -> [PairMeasure] {
        guard side >= minPerceptualSide else { return [] }
        return FeatureNetworks.distanceNames.compactMap { name in
            guard let distance = try? FeatureNetworks.perceptualDistance(name) else { return nil }
            distance.move(to: device, format: .channelsLast)
            return PairMeasure(
                name: name, label: distance.name, features: name, isLowerBetter: true, notes: [],
                function: { distance($0, $1) })
        }
    }

    private static func identity(device: Device) throws -> [PairMeasure] {
        guard FeatureExtractors.isHere("mobilefacenet") else { return [] }
        let network = try FeatureExtractors.load("mobilefacenet", device: device)
        return [
            PairMeasure(
                name: "identity", label: "identity similarity",
                features: "\(network.name) \(network.digest.prefix(12))", isLowerBetter: false,
                notes: ["cosine of the embeddings of MobileFaceNet, which expects a crop of the face"]
            ) { a, b in cosine(network(a).features, network(b).features) }
        ]
    }

    /// Cosines [N] of rows [N, D].
    static func cosine(_ a: Tensor, _ b: Tensor) -> Tensor {
        (a * b).sum([1]) / (a.norm([1]) * b.norm([1])).clampedBelow(1e-12)
    }
}
