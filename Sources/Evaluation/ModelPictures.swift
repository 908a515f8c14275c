import Checkpoints
import Datasets
import Files
import Models
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
    public let model: Model
    private let runner: GeneratorRunner
    private let firstSeed: UInt64

    /// - Throws: `CheckpointError` when the model does not say which pictures it learnt from.
    public init(
        _ model: Model, count: Int, firstSeed: UInt64 = 0, precision: Precision = .fp32,
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
