import Torch
import TorchNN

/// A generator in inference: folded, without gradients, in one precision. Has the weights of the moment of its creation.
///
/// A picture does not depend on the other pictures of its batch: the network always sees `batchSize` rows, because another
/// number of rows may change the order of sums and with it the last bits. The last batch is filled up and cut.
public final class GeneratorRunner {
    /// Never `.auto`.
    public let precision: Precision
    /// Side of the pictures, in pixels.
    public let resolution: Int
    private let generator: any Generator
    private let network: (Latents, NoiseInput) -> Tensor
    private let device: Device

    /// Default batch size. Larger batches are not faster (`make bench`).
    public static let batchSize = 64

    public init(_ generator: any Generator, precision: Precision = .fp32) {
        self.generator = generator
        (resolution, device) = (generator.resolution, generator.device)
        self.precision = precision.resolved(for: device)
        network = Kernels.isPlain || device != .cpu ? { generator($0, noise: $1) } : generator.folded()
    }

    /// Pictures as host pixels: resolution x resolution x 3 bytes each, row by row.
    /// - Parameter batchSize: bounds the memory. Another value may change last bits.
    public func pixels(_ latents: Latents, batchSize: Int = GeneratorRunner.batchSize) -> [[UInt8]] {
        batches(latents, batchSize) { Self.hostPixels($0) }.flatMap { $0 }
    }

    /// Pictures [N, 3, resolution, resolution] in -1...1, float32.
    /// - Parameter batchSize: bounds the memory. Another value may change last bits.
    public func images(_ latents: Latents, batchSize: Int = GeneratorRunner.batchSize) -> Tensor {
        Tensor.concatenated(batches(latents, batchSize) { $0.to(.float32) })
    }

    private func batches<Result>(_ latents: Latents, _ batchSize: Int, _ body: (Tensor) -> Result) -> [Result]
    {
        let wasTraining = generator.isTraining
        generator.train(false)
        defer { generator.train(wasTraining) }
        let count = latents.count
        return withoutGradients {
            stride(from: 0, to: count, by: batchSize).map { start in
                let end = min(count, start + batchSize)
                let filling = Array(repeating: latents[start..<(start + 1)], count: start + batchSize - end)
                let rows = Latents.concatenated([latents[start..<end]] + filling).to(device)
                let images = withAutocast(precision.autocast, on: device) { network(rows, .constant) }
                return body(generator.fullSize(images[0..<(end - start)]))
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
