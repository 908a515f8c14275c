import Checkpoints
import Files
import Foundation
import Synthesis
import Torch

/// Logits and features of the faces of seeds, computed in parts and kept in a cache, so that a stopped computation continues.
struct SampleScores {
    /// [N, K].
    let logits: Tensor
    /// [N, F].
    let features: Tensor

    /// Faces between two writes of the cache.
    private static let part = 512

    /// Scores the faces of the seeds 0..<count.
    /// - Parameters:
    ///   - sampler: the model.
    ///   - meter: the face network.
    ///   - count: number of faces.
    ///   - cache: folder of the cache; nil for none.
    ///   - progress: called with the number of scored faces.
    ///   - isCancelled: called between batches. The parts that are done remain in the cache.
    /// - Throws: `CancellationError`; `FileError` if the cache cannot be written.
    init(
        _ sampler: FaceSampler, _ meter: FaceMeter, count: Int, cache: String?,
        progress: (Int) -> Void, isCancelled: () -> Bool
    ) throws {
        let key = Digest.sha256(
            "samples 1 \(sampler.model.digest) \(sampler.model.weights.rawValue) \(meter.networkDigest) \(sampler.precision) \(sampler.options)"
        )
        // Without a digest, two models could have the same key.
        let isCached = cache != nil && !sampler.model.digest.isEmpty && !meter.networkDigest.isEmpty
        let path = isCached ? cache.map { "\($0)/samples-\(key.prefix(24)).safetensors" } : nil
        var (logits, features) = path.flatMap(Self.read) ?? ([], [])
        var done = logits.reduce(0) { $0 + $1.shape[0] }
        while done < count {
            progress(done)
            var images = [Tensor](), vectors = [Tensor]()
            let end = min(count, done + Self.part)
            for start in stride(from: done, to: end, by: Self.batch) {
                if isCancelled() { throw CancellationError() }
                let faces = sampler.faces(seeds: (start..<min(end, start + Self.batch)).map { UInt64($0) })
                let found = meter.measure(faces)
                images.append(found.logits)
                vectors.append(found.features)
                progress(start + faces.count)
            }
            logits += images
            features += vectors
            done = end
            if let path {
                try Self.createFolder(Files.folder(ofPath: path))
                try TensorFile.write(
                    path,
                    tensors: [("logits", .concatenated(logits)), ("features", .concatenated(features))])
            }
        }
        progress(count)
        self.logits = Tensor.concatenated(logits)[0..<count]
        self.features = Tensor.concatenated(features)[0..<count]
    }

    private static let batch = 64

    /// Tensors of a file of the cache; nil if there is none or it is damaged.
    private static func read(_ path: String) -> ([Tensor], [Tensor])? {
        guard FileManager.default.fileExists(atPath: path),
            let read = try? TensorFile.read(path, requiringChecksum: true).tensors,
            let logits = read.first(where: { $0.name == "logits" })?.tensor,
            let features = read.first(where: { $0.name == "features" })?.tensor,
            logits.rank == 2, features.rank == 2, logits.shape[0] == features.shape[0], logits.shape[0] > 0
        else { return nil }
        return ([logits], [features])
    }

    private static func createFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw EditError(
                "\(path): the folder of the cache cannot be created: \(error.localizedDescription). Set FACEGAN_CACHE to a"
                    + " writable folder")
        }
    }
}
