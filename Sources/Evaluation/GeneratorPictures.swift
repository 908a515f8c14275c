import Datasets
import Models
import Torch

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
