import Metrics
import Torch

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
