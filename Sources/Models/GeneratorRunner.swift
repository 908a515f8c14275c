import Torch
import TorchNN

/// A generator in use: folded, without a tape, in one precision. Has the generator's values of when it was made.
///
/// A picture does not depend on the others. Engines add in another order for another batch size, which may change a
/// last bit, so the network always sees `batchSize` rows: the last batch is filled up, and what is too much dropped.
public final class GeneratorRunner {
    public let precision: Precision
    /// Side of the pictures.
    public let resolution: Int
    private let generator: any Generator
    private let network: (Tensor) -> Tensor
    private let device: Device

    /// How many pictures are made at once where nothing else is asked for; the same everywhere, so that the same seed is
    /// the same face to the last bit. From this number on, more are not faster (`make bench`).
    public static let batchSize = 64

    public init(_ generator: any Generator, precision: Precision = .fp32) {
        self.generator = generator
        (resolution, device) = (generator.resolution, generator.device)
        self.precision = precision.resolved(for: device)
        network = Kernels.isPlain || device != .cpu ? { generator($0) } : generator.folded()
    }

    /// Pictures as host pixels: for each z of [N, latent.size], resolution x resolution x 3 bytes, row by row.
    /// - Parameter batchSize: bounds the memory; another one may change last bits.
    public func pixels(_ z: Tensor, batchSize: Int = GeneratorRunner.batchSize) -> [[UInt8]] {
        batches(z, batchSize) { Self.hostPixels($0) }.flatMap { $0 }
    }

    /// Pictures [N, 3, resolution, resolution] in -1...1 from z [N, latent.size].
    /// - Parameter batchSize: bounds the memory; another one may change last bits.
    public func images(_ z: Tensor, batchSize: Int = GeneratorRunner.batchSize) -> Tensor {
        Tensor.concatenated(batches(z, batchSize) { $0.to(.float32) })
    }

    private func batches<Result>(_ z: Tensor, _ batchSize: Int, _ body: (Tensor) -> Result) -> [Result] {
        let wasTraining = generator.isTraining
        generator.train(false)
        defer { generator.train(wasTraining) }
        let count = z.shape[0]
        return withoutGradients {
            stride(from: 0, to: count, by: batchSize).map { start in
                let end = min(count, start + batchSize)
                let filling = Array(repeating: z[start..<(start + 1)], count: start + batchSize - end)
                let rows = Tensor.concatenated([z[start..<end]] + filling).to(device)
                let images = withAutocast(precision.autocast, on: device) { network(rows) }
                return body(images[0..<(end - start)])
            }
        }
    }

    /// [N, 3, H, W] in -1...1 to N times H W 3 bytes.
    private static func hostPixels(_ images: Tensor) -> [[UInt8]] {
        let flat = images.pixels().bytes()
        let size = flat.count / max(1, images.shape[0])
        return stride(from: 0, to: flat.count, by: size).map { Array(flat[$0..<($0 + size)]) }
    }
}
