import Checkpoints
import Datasets
import Evaluation
import Imaging
import Metrics
import Models
import PretrainedWeights
import Provenance
import Synthesis
import Torch
import TorchNN

/// Networks that label generated faces, on the engine thread of a `FaceService`. No tensor leaves it.
///
/// All networks compute batches of one size, so that a label does not depend on the other pictures of a chunk.
actor FaceLabeler {
    /// What the networks are.
    struct Networks: Sendable {
        /// Names of the attributes [A].
        let attributes: [String]
        /// Number of features D of the face network.
        let featureCount: Int
        /// SHA-256 of the face network.
        let face: String
        /// SHA-256 of the identity network; nil without one.
        let identity: String?
        /// SHA-256 of the detector; nil without one.
        let detector: String?
    }

    private let thread: EngineThread
    private let device: Device
    private let threads: Int?
    private var face: FeatureExtractor?
    private var identity: FeatureExtractor?
    private var detector: YuNet?
    private var accepted: CosineIndex?
    private var reference: ReferenceFaces?

    /// Key of the identity network in the catalog of weights.
    static let identityNetwork = "mobilefacenet"

    /// Executor of the engine thread.
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - engine: thread of the networks.
    ///   - device: device of the networks.
    ///   - threads: threads of one operator on the CPU; nil keeps the setting of the process.
    init(engine: EngineThread, device: Device, threads: Int?) {
        (thread, self.device, self.threads) = (engine, device, threads)
    }

    /// Loads the networks. The detector and the identity network are loaded if their weights are on this machine.
    /// - Parameter face: a face network in place of the bundled one.
    /// - Throws: `WeightsError`, `CheckpointError`, `FileError`.
    func load(face path: String?) throws -> Networks {
        if let threads { Engine.setThreads(threads) }
        let cache = WeightsCache.default
        let face = try FeatureExtractors.load("face", face: path, device: device)
        if FeatureExtractors.isHere(Self.identityNetwork) {
            identity = try FeatureExtractors.load(Self.identityNetwork, device: device)
        }
        if cache.path(of: YuNet.weights) != nil {
            let network = try YuNet.load(cache: cache)
            network.move(to: device, format: .channelsLast)
            detector = network
        }
        self.face = face
        accepted = CosineIndex(dimension: face.featureCount, device: device)
        return Networks(
            attributes: face.answers, featureCount: face.featureCount, face: face.digest,
            identity: identity?.digest,
            detector: detector == nil ? nil : cache.record(of: YuNet.weights)?.sha256 ?? "")
    }

    // MARK: Labels

    /// Number of pictures that are labeled at once.
    private static func rows(side: Int) -> Int { side <= 128 ? 64 : side <= 512 ? 16 : 4 }

    /// Attributes and features of pictures of one size.
    func labels(of images: [SyntheticImage]) -> [FaceLabels] {
        guard let face, let side = images.first?.width else { return [] }
        let rows = Self.rows(side: side)
        return stride(from: 0, to: images.count, by: rows).flatMap { start -> [FaceLabels] in
            let batch = images[start..<min(images.count, start + rows)]
            let found = face(padded(batch, to: rows, side))
            func split(_ tensor: Tensor?) -> [[Float]] {
                guard let tensor else { return Array(repeating: [], count: rows) }
                let (values, width) = (tensor.contiguous().floats(), tensor.shape[1])
                return (0..<rows).map { Array(values[$0 * width..<($0 + 1) * width]) }
            }
            let (features, logits) = (split(found.features), split(found.logits))
            return batch.indices.map { index in
                let row = index - start
                return FaceLabels(logits: logits[row], features: features[row], detection: nil)
            }
        }
    }

    /// Largest number of pictures in which faces are searched at once.
    private static let detectedRows = 16

    /// Faces in pictures of one size; nil without a face, and for all pictures without the detector.
    func detections(in images: [SyntheticImage]) -> [FaceDetection?] {
        guard detector != nil, let side = images.first?.width else { return images.map { _ in nil } }
        let rows = min(Self.rows(side: side), Self.detectedRows)
        return stride(from: 0, to: images.count, by: rows).flatMap { start -> [FaceDetection?] in
            let batch = images[start..<min(images.count, start + rows)]
            return Array(detect(padded(batch, to: rows, side), side).prefix(batch.count))
        }
    }

    /// Pictures as a tensor [rows, 3, side, side], padded with copies of the first one.
    private func padded(_ batch: ArraySlice<SyntheticImage>, to rows: Int, _ side: Int) -> Tensor {
        let padding = batch.prefix(1).flatMap { Array(repeating: $0, count: rows - batch.count) }
        let pixels = (Array(batch) + padding).flatMap(\.picture.pixels)
        return .pictures(pixels, count: rows, side: side, on: device)
    }

    /// Side at which faces are searched, in pixels. The detector finds faces of up to about 300 pixels.
    private static func searchSide(_ side: Int) -> Int { min(max(side, 192), 320) }

    /// Best face of each picture. Landmarks are means over the picture and its mirror image, which reduces their error.
    private func detect(_ images: Tensor, _ side: Int) -> [FaceDetection?] {
        let count = images.shape[0]
        guard let detector else { return Array(repeating: nil, count: count) }
        let large = withoutGradients { images.resized(toSide: Self.searchSide(side)) }
        let plain = detector.faces(in: large)
        let mirrored = detector.faces(in: large.flipped([3]))
        let (width, scale) = (
            Double(Self.searchSide(side)), Double(side) / Double(Self.searchSide(side))
        )
        return (0..<count).map { row in
            guard let face = plain[row].first else { return nil }
            var points = face.points
            if let other = mirrored[row].first {
                let flipped = [1, 0, 2, 4, 3].map { SIMD2(width - other.points[$0].x, other.points[$0].y) }
                let gaps = zip(points, flipped).map { a, b in ((a - b) * (a - b)).sum().squareRoot() }
                // A detection that is farther away is another face.
                if gaps.allSatisfy({ $0 < 0.2 * face.width }) {
                    points = zip(points, flipped).map { ($0 + $1) / 2 }
                }
            }
            return FaceDetection(
                score: Float(face.score),
                box: [face.x, face.y, face.width, face.height].map { Float($0 * scale) },
                points: points.flatMap { [Float($0.x * scale), Float($0.y * scale)] })
        }
    }

    /// Embeddings of the identity network [N][E]; empty without one.
    func identities(of images: [SyntheticImage]) -> [[Float]] {
        guard let identity, let side = images.first?.width else { return [] }
        let rows = Self.rows(side: side)
        return stride(from: 0, to: images.count, by: rows).flatMap { start -> [[Float]] in
            let batch = images[start..<min(images.count, start + rows)]
            let tensor = Tensor.pictures(
                batch.flatMap(\.picture.pixels), count: batch.count, side: side, on: device)
            let found = identity(tensor).features
            let (values, width) = (found.contiguous().floats(), found.shape[1])
            return batch.indices.map {
                Array(values[($0 - start) * width..<($0 - start + 1) * width])
            }
        }
    }

    // MARK: Photographs

    /// Loads the photographs with which generated faces are compared.
    /// - Parameters:
    ///   - plan: plan with a reference.
    ///   - suggested: data protocol of the model; nil if unknown.
    ///   - progress: called with processed and total numbers of photographs.
    /// - Throws: `FaceDatasetError` for fewer than 6 photographs; `DataError`, `CheckpointError`, `FileError`,
    ///   `CancellationError`.
    func loadReference(
        _ plan: FaceDatasetPlan, suggested: Datasets.DataProtocol?,
        progress: @Sendable (Int, Int) -> Void
    ) throws -> ReferenceFaces.Facts {
        guard let face, let source = plan.reference else {
            preconditionFailure("FaceLabeler: expected loaded networks and a reference")
        }
        let found = try ReferenceFaces(
            source, data: plan.referenceProtocol, suggested: suggested, face: face,
            copyQuantile: plan.copyQuantile, device: device, progress: progress,
            isCancelled: { Task.isCancelled })
        reference = found
        return found.facts
    }

    // MARK: Distances

    /// Distances of features [N][D] to the accepted pictures and to the photographs.
    func proximity(_ features: [[Float]]) -> [Proximity] {
        guard let accepted, !features.isEmpty else { return [] }
        let cosines = accepted.largestCosines(features, paddedTo: CandidateSource.chunkSize)
        let photographs = reference?.nearest(features, paddedTo: CandidateSource.chunkSize)
        return features.indices.map { Proximity(cosine: cosines[$0], photograph: photographs?[$0]) }
    }

    /// Adds the features of accepted pictures.
    func accept(_ features: [[Float]]) { accepted?.append(features) }

    // MARK: Scores

    /// Scores of the features [N][D] of the data set against the photographs; empty without photographs or with fewer than 6
    /// pictures.
    func scores(_ features: FeatureRows) -> [FaceDatasetScore] {
        guard let reference, let face, features.count >= 6 else { return [] }
        return reference.scores(features, network: face, device: device)
    }
}

/// Features [count, width] in one array.
struct FeatureRows: Sendable {
    let width: Int
    var values: [Float] = []

    init(width: Int) { self.width = width }

    /// Number of rows.
    var count: Int { values.count / max(1, width) }

    /// One row [width].
    subscript(row: Int) -> ArraySlice<Float> { values[row * width..<(row + 1) * width] }
}
