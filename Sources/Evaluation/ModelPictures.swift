import Checkpoints
import Datasets
import Files
import Models
import Provenance
import Recipes
import Torch

/// Faces that a model draws for the seeds from `firstSeed` on, rounded to bytes as its files are.
public struct ModelPictures: PictureSet {
    public let title: String
    public let count: Int
    public let side: Int
    public let data: DataProtocol
    public let contentHash: String
    public let drawn: DrawnFacts?
    public let model: GeneratorModel
    private let runner: GeneratorRunner
    private let firstSeed: UInt64

    /// - Throws: `CheckpointError` when the model does not say which pictures it learnt from.
    public init(
        _ model: GeneratorModel, count: Int, firstSeed: UInt64 = 0, precision: Precision = .fp32,
        protocol data: DataProtocol? = nil
    ) throws {
        self.model = model
        (self.count, self.firstSeed) = (count, firstSeed)
        side = model.recipe.resolution
        guard let known = try data ?? model.facts["dataProtocol"].map(DataProtocol.parse) else {
            throw CheckpointError(
                "\(model.path): the model does not say which pictures it learnt from; name their protocol"
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

    public func pixels(_ range: Range<Int>) -> [UInt8] {
        runner.pixels(latents(range)).flatMap { $0 }
    }

    /// Labels that a conditional model was given.
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
    public let title = "the generator"
    public let count: Int
    public let side: Int
    public let data: DataProtocol
    public let contentHash = ""
    private let runner: GeneratorRunner
    private let latents: Latents

    /// Seed of a stream of its own, separate from previews and training.
    private static let seed: UInt64 = 0x5C0_4E5

    public init(_ generator: any Generator, sampler: LatentSampler, count: Int, data: DataProtocol) {
        (self.count, side, self.data) = (count, generator.resolution, data)
        runner = GeneratorRunner(generator)
        latents = sampler.sample(count, random: RandomSource(seed: Self.seed))
    }

    public func pixels(_ range: Range<Int>) -> [UInt8] { runner.pixels(latents[range]).flatMap { $0 } }
}

/// Pictures of a packed store, or a part of them, evenly chosen where fewer are wanted.
public struct StorePictures: PictureSet {
    public let title: String
    public let side: Int
    public let data: DataProtocol
    public let contentHash: String
    public let warnings: [String]
    public var isLasting: Bool { true }
    private let store: FaceStore
    let indices: [Int]

    /// - Parameters:
    ///   - part: nil for all.
    ///   - limit: at most so many, spread evenly over the store; nil for all.
    ///   - subset: only these of the store's samples.
    ///   - data: the protocol that the pictures follow, where the store's own only passes them on.
    ///   - warnings: what is known of the files beside their pixels.
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

    public var count: Int { indices.count }

    public var attributes: (names: [String], values: [Int8])? {
        let labels = store.labels
        guard !labels.attributes.isEmpty else { return nil }
        return (labels.attributeNames, labels.rows(indices).attributes)
    }

    public func pixels(_ range: Range<Int>) -> [UInt8] { store.pixels(of: Array(indices[range])) }
}
