import Datasets
import Files
import Foundation
import Metrics
import Torch

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
