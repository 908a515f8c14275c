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
    private let maker: GeneratorRunner
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
        maker = GeneratorRunner(model.generator, precision: precision)
        title = "\(model.path) after \(model.clock.images) images"
        let facts = DrawnFacts(
            model: model.digest, seeds: firstSeed...(firstSeed + UInt64(max(1, count)) - 1),
            weights: model.weights.rawValue, precision: maker.precision.rawValue, truncationPsi: 1,
            asked: model.askedText)
        drawn = facts
        contentHash = Digest.sha256("\(facts)")
    }

    public func pixels(_ range: Range<Int>) -> [UInt8] {
        maker.pixels(codes(range)).flatMap { $0 }
    }

    /// What a conditional model was asked for.
    public var attributes: (names: [String], values: [Int8])? {
        guard let names = model.codes.labels?.names else { return nil }
        let asked = model.codes.latent.split(codes(0..<count), labels: names.count).labels!
        return (names, asked.floats().map { Int8($0) })
    }

    private func codes(_ range: Range<Int>) -> Tensor {
        model.codes.sample(seeds: range.map { firstSeed + UInt64($0) })
    }
}
