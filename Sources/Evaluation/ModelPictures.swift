import Checkpoints
import Datasets
import Files
import Models
import Provenance
import Recipes
import Torch

/// Faces of a model for consecutive seeds, rounded to bytes as in its files.
public struct ModelPictures: PictureSet {
    /// Title for a reader.
    public let title: String
    /// Number of pictures.
    public let count: Int
    /// Width and height of the pictures, in pixels.
    public let side: Int
    /// Data protocol of the pictures.
    public let data: DataProtocol
    /// SHA-256 of everything that the pixels depend on.
    public let contentHash: String
    /// Seeds, weights and precision.
    public let drawn: DrawnFacts?
    /// The model.
    public let model: GeneratorModel
    private let runner: GeneratorRunner
    private let firstSeed: UInt64

    /// - Parameters:
    ///   - model: generator.
    ///   - count: number of faces.
    ///   - firstSeed: seed of the first face.
    ///   - precision: precision of the generator.
    ///   - data: data protocol; nil for that of the training pictures.
    /// - Throws: `CheckpointError` if the model does not record the protocol of its training pictures and `data` is nil; `DataError`
    ///   for an unknown protocol.
    public init(
        _ model: GeneratorModel, count: Int, firstSeed: UInt64 = 0, precision: Precision = .fp32,
        protocol data: DataProtocol? = nil
    ) throws {
        self.model = model
        (self.count, self.firstSeed) = (count, firstSeed)
        side = model.recipe.resolution
        guard let known = try data ?? model.facts["dataProtocol"].map(DataProtocol.parse) else {
            throw CheckpointError(
                "\(model.path): the model does not record the data protocol of its training pictures; name it"
                    + " (--protocol celeba64-178)")
        }
        self.data = known
        runner = GeneratorRunner(model.generator, precision: precision)
        title = "\(model.path) after \(model.clock.images) images"
        let facts = DrawnFacts(
            model: model.digest, seeds: firstSeed...(firstSeed + UInt64(max(1, count)) - 1),
            weights: model.weights.rawValue, precision: runner.precision.rawValue, truncationPsi: 1,
            asked: model.requestedText)
        drawn = facts
        contentHash = Digest.sha256("\(facts)")
    }

    /// Pixels of a range of pictures: `side` x `side` x 3 bytes each.
    public func pixels(_ range: Range<Int>) -> [UInt8] {
        runner.pixels(latents(range)).flatMap { $0 }
    }

    /// Labels of a conditional model.
    public var attributes: (names: [String], values: [Int8])? {
        guard let names = model.sampler.labels?.names, let labels = latents(0..<count).labels else {
            return nil
        }
        return (names, labels.floats().map { Int8($0) })
    }

    private func latents(_ range: Range<Int>) -> Latents {
        model.sampler.sample(seeds: range.map { firstSeed + UInt64($0) })
    }
}

/// Pictures of a generator from fixed latents, rounded to bytes.
public struct GeneratorPictures: PictureSet {
    /// Title for a reader.
    public let title = "the generator"
    /// Number of pictures.
    public let count: Int
    /// Width and height of the pictures, in pixels.
    public let side: Int
    /// Data protocol of the pictures.
    public let data: DataProtocol
    /// Empty: the generator changes.
    public let contentHash = ""
    private let runner: GeneratorRunner
    private let latents: Latents

    /// Seed of a stream of its own, separate from previews and training.
    private static let seed: UInt64 = 0x5C0_4E5

    /// - Parameters:
    ///   - generator: generator on any device.
    ///   - sampler: distribution of the latents.
    ///   - count: number of pictures.
    ///   - data: data protocol of the training pictures.
    public init(_ generator: any Generator, sampler: LatentSampler, count: Int, data: DataProtocol) {
        (self.count, side, self.data) = (count, generator.resolution, data)
        runner = GeneratorRunner(generator)
        latents = sampler.sample(count, random: RandomSource(seed: Self.seed))
    }

    /// Pixels of a range of pictures: `side` x `side` x 3 bytes each.
    public func pixels(_ range: Range<Int>) -> [UInt8] { runner.pixels(latents[range]).flatMap { $0 } }
}

/// Pictures of a packed store, or an evenly spaced subset.
public struct StorePictures: PictureSet {
    /// Title for a reader.
    public let title: String
    /// Width and height of the pictures, in pixels.
    public let side: Int
    /// Data protocol of the pictures.
    public let data: DataProtocol
    /// SHA-256 of everything that the pixels depend on.
    public let contentHash: String
    /// Warnings about the files.
    public let warnings: [String]
    /// true: features are cached.
    public var isLasting: Bool { true }
    private let store: FaceStore
    let indices: [Int]

    /// - Parameters:
    ///   - store: packed store.
    ///   - title: title for a reader.
    ///   - part: part of the data set; nil for all.
    ///   - limit: limit of the pictures, evenly spaced; nil for all.
    ///   - subset: indices of samples in the store; nil for all.
    ///   - data: data protocol of the pictures if it differs from that of the store, as for pictures that are aligned already.
    ///   - warnings: warnings about the files, such as compression.
    public init(
        _ store: FaceStore, title: String, part: DataSplit? = nil, limit: Int? = nil,
        among subset: [Int]? = nil, data: DataProtocol? = nil, warnings: [String] = []
    ) {
        let all = subset ?? part.map { store.part($0) } ?? Array(0..<store.count)
        let count = min(limit ?? all.count, all.count)
        indices = (0..<count).map { all[$0 * all.count / count] }
        (self.store, side, self.data, self.warnings) = (store, store.size, data ?? store.data, warnings)
        self.title = title + (part.map { " (\($0))" } ?? "")
        let choice =
            indices == Array(0..<store.count) ? "all" : indices.map(String.init).joined(separator: " ")
        contentHash = Digest.sha256("\(store.contentHash) \(choice)")
    }

    /// Number of pictures.
    public var count: Int { indices.count }

    /// The mark of the packed pictures.
    public func origin(of indices: [Int]) -> Origin? {
        store.origin(of: indices.map { self.indices[$0] })
    }

    /// Labels of the store; nil if it has none.
    public var attributes: (names: [String], values: [Int8])? {
        let labels = store.labels
        guard !labels.attributes.isEmpty else { return nil }
        return (labels.attributeNames, labels.rows(indices).attributes)
    }

    /// Pixels of a range of pictures: `side` x `side` x 3 bytes each.
    public func pixels(_ range: Range<Int>) -> [UInt8] { store.pixels(of: Array(indices[range])) }
}
