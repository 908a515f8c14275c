import Datasets
import Models
import Torch

/// Faces that a generator draws as it is now, always from the same latents, rounded to bytes.
public struct GeneratorPictures: PictureSet {
    public let title = "the generator"
    public let count: Int
    public let side: Int
    public let data: DataProtocol
    public let contentHash = ""
    private let maker: GeneratorRunner
    private let z: Tensor

    /// Another stream than those of previews and of training.
    private static let seed: UInt64 = 0x5C0_4E5

    public init(_ generator: any Generator, codes: Codes, count: Int, data: DataProtocol) {
        (self.count, side, self.data) = (count, generator.resolution, data)
        maker = GeneratorRunner(generator)
        z = codes.sample(count, random: RandomSource(seed: Self.seed))
    }

    public func pixels(_ range: Range<Int>) -> [UInt8] { maker.pixels(z[range]).flatMap { $0 } }
}
