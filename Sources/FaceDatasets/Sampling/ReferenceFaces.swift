import Datasets
import Evaluation
import Files
import Metrics
import Models
import Torch

/// Photographs with which the model was trained: their features, nearest neighbors and attributes.
final class ReferenceFaces {
    /// Facts about the photographs.
    struct Facts: Sendable, Codable, Equatable {
        /// Name of the source.
        let title: String
        /// Number of photographs.
        let count: Int
        /// SHA-256 of the pixels.
        let contentHash: String
        /// Name of the data protocol.
        let dataProtocol: String
        /// Fraction of the photographs whose nearest neighbor is below the limit.
        let quantile: Double
        /// Pictures with a smaller distance to a photograph are near copies.
        let limit: Double
        /// Median distance of a photograph to its nearest neighbor.
        let median: Double
        /// Frequencies of the attributes of the face network.
        let frequencies: [Double]
    }

    let facts: Facts
    private let features: FeatureRows
    private let index: NeighborIndex
    private let within: NeighborIndex.Distances

    private static let batchSize = 64
    /// Largest number of photographs whose nearest neighbors are searched.
    private static let neighborLimit = 20_000
    /// Smallest number of photographs for all scores.
    private static let smallest = 6

    /// Opens the photographs and computes their features.
    /// - Parameters:
    ///   - source: name of a source of pictures.
    ///   - data: data protocol; nil for that of a store, else `suggested`.
    ///   - suggested: data protocol of the model; nil if unknown.
    ///   - face: face network.
    ///   - copyQuantile: fraction of the photographs below the limit for copies.
    ///   - device: device of the network.
    ///   - progress: called with processed and total numbers of photographs.
    ///   - isCancelled: called between batches.
    init(
        _ source: String, data: DataProtocol?, suggested: DataProtocol?, face: FeatureExtractor,
        copyQuantile: Double, device: Device, progress: (Int, Int) -> Void, isCancelled: () -> Bool
    ) throws {
        guard !PictureSets.isModel(source) else {
            throw FaceDatasetError("\(source): expected photographs, got a model")
        }
        var options = PictureSets.Options()
        (options.data, options.suggested, options.device) = (data, suggested, device)
        let pictures = try PictureSets.open(source, options, progress: progress, isCancelled: isCancelled)
        guard pictures.count >= Self.smallest else {
            throw FaceDatasetError(
                "\(source): expected \(Self.smallest) or more photographs, got \(pictures.count)")
        }
        if let expected = data ?? suggested, expected.hash != pictures.data.hash {
            throw FaceDatasetError(
                "\(source): the photographs have the data protocol \(pictures.data.name), the model has "
                    + "\(expected.name); distances between them say nothing. Pack the photographs with "
                    + "--protocol \(expected.name)")
        }
        var features = FeatureRows(width: face.featureCount)
        var present = [Int](repeating: 0, count: face.answers.count)
        for start in stride(from: 0, to: pictures.count, by: Self.batchSize) {
            if isCancelled() { throw CancellationError() }
            let range = start..<min(pictures.count, start + Self.batchSize)
            let found = face(pictures.images(range, on: device))
            features.values += found.features.contiguous().floats()
            for (place, logit) in (found.logits?.contiguous().floats() ?? []).enumerated() where logit > 0 {
                present[place % present.count] += 1
            }
            progress(range.upperBound, pictures.count)
        }
        self.features = features
        index = NeighborIndex(Self.tensor(features).to(device))
        within = index.distancesWithin(limit: Self.neighborLimit)
        facts = Facts(
            title: source.split(separator: "/").last.map(String.init) ?? source, count: pictures.count,
            contentHash: pictures.contentHash,
            dataProtocol: pictures.data.name, quantile: copyQuantile,
            limit: within.distance(atQuantile: copyQuantile), median: within.distance(atQuantile: 0.5),
            frequencies: present.map { Double($0) / Double(pictures.count) })
    }

    /// Nearest photograph of each row of features [N][D].
    /// - Parameter size: number of rows of the product.
    func nearest(_ rows: [[Float]], paddedTo size: Int) -> [NearestPhotograph] {
        let padding = Array(repeating: rows[0], count: max(0, size - rows.count))
        let all = (rows + padding).flatMap(\.self)
        let found = index.nearest(
            to: Tensor(all, shape: [max(size, rows.count), features.width]))
        return rows.indices.map { row in
            NearestPhotograph(
                index: found.indices[row], distance: found.distances[row],
                quantile: within.quantile(of: found.distances[row]))
        }
    }

    /// Scores of features against those of the photographs.
    func scores(_ made: FeatureRows, network: FeatureExtractor, device: Device) -> [FaceDatasetScore] {
        func moments(_ rows: FeatureRows) -> FeatureMoments {
            let moments = FeatureMoments(dimension: rows.width, device: device)
            let step = 4096
            for start in stride(from: 0, to: rows.count, by: step) {
                let end = min(rows.count, start + step)
                let values = Array(rows.values[start * rows.width..<end * rows.width])
                moments.add(Tensor(values, shape: [end - start, rows.width]).to(device))
            }
            return moments
        }
        func sample(_ rows: FeatureRows) -> Tensor {
            let limit = FeaturePass.sampleCount
            guard rows.count > limit else { return Self.tensor(rows).to(device) }
            let values = (0..<limit).flatMap { rows[$0 * rows.count / limit] }
            return Tensor(values, shape: [limit, rows.width]).to(device)
        }
        return withoutGradients {
            let (a, b) = (sample(made), sample(features))
            let distance = FrechetDistance.estimate(
                moments(made), moments(features), sampleA: a, sampleB: b)
            let manifold = PrecisionRecall(evaluated: a, reference: b)
            let name = network.name
            return [
                FaceDatasetScore("fd-\(name)", distance, made.count, features.count),
                FaceDatasetScore("precision-\(name)", manifold.precision, a.shape[0], b.shape[0]),
                FaceDatasetScore("recall-\(name)", manifold.recall, a.shape[0], b.shape[0]),
                FaceDatasetScore("density-\(name)", manifold.density, a.shape[0], b.shape[0]),
                FaceDatasetScore("coverage-\(name)", manifold.coverage, a.shape[0], b.shape[0]),
            ]
        }
    }

    private static func tensor(_ rows: FeatureRows) -> Tensor {
        Tensor(rows.values, shape: [rows.count, rows.width])
    }
}

/// Score of a data set against photographs.
public struct FaceDatasetScore: Sendable, Codable, Equatable {
    /// Name, such as `fd-face`.
    public let name: String
    /// The score, with four decimals.
    public let value: Double
    /// 95 % interval, with four decimals; nil if unknown.
    public let low: Double?, high: Double?
    /// Numbers of generated pictures and photographs.
    public let count: Int, referenceCount: Int

    init(_ name: String, _ estimate: Estimate, _ count: Int, _ referenceCount: Int) {
        // The last bits depend on the number of threads.
        func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
        (self.name, value) = (name, rounded(estimate.value))
        (low, high) = (
            estimate.interval.map { rounded($0.lowerBound) }, estimate.interval.map { rounded($0.upperBound) }
        )
        (self.count, self.referenceCount) = (count, referenceCount)
    }
}
