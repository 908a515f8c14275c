import Torch
import TorchNN

/// Generator for inference: folded, without gradients, in one precision, with the weights at the time of its
/// creation.
///
/// The network always computes `batchSize` rows, because another number of rows may change the order of sums and
/// thereby the last bits. The last batch is padded and the padding is removed. A picture therefore does not depend on
/// the other pictures of its batch.
public final class GeneratorRunner {
    /// Precision of the computation; never `.auto`.
    public let precision: Precision
    /// Side of the pictures, in pixels.
    public let resolution: Int
    private let generator: any Generator
    private let network: (Latents, NoiseInput) -> Tensor
    private let device: Device

    /// Default batch size. Larger batches are not faster (`make bench`).
    public static let batchSize = 64

    /// Creates a runner with the current weights of a generator.
    /// - Parameters:
    ///   - generator: network on any device.
    ///   - precision: precision of the computation; `.auto` is resolved for the device.
    public init(_ generator: any Generator, precision: Precision = .fp32) {
        self.generator = generator
        (resolution, device) = (generator.resolution, generator.device)
        self.precision = precision.resolved(for: device)
        network = Kernels.isPlain || device != .cpu ? { generator($0, noise: $1) } : generator.folded()
    }

    /// Pictures of latents as host pixels: N arrays of resolution x resolution x 3 bytes, [H, W, C].
    /// - Parameters:
    ///   - latents: z [N, Z] and labels [N, K].
    ///   - batchSize: rows computed at once, which limits the memory. Another value may change the last bits.
    public func pixels(_ latents: Latents, batchSize: Int = GeneratorRunner.batchSize) -> [[UInt8]] {
        batches(latents, batchSize) { Self.hostPixels($0) }.flatMap { $0 }
    }

    /// Pictures [N, 3, resolution, resolution] in -1...1, float32.
    /// - Parameters:
    ///   - latents: z [N, Z] and labels [N, K].
    ///   - batchSize: rows computed at once, which limits the memory. Another value may change the last bits.
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
                let padding = Array(repeating: latents[start..<(start + 1)], count: start + batchSize - end)
                let rows = Latents.concatenated([latents[start..<end]] + padding).to(device)
                let images = withAutocast(precision.autocast, on: device) { network(rows, .constant) }
                return body(generator.fullSize(images[0..<(end - start)]))
            }
        }
    }

    /// [N, 3, H, W] in -1...1 to N arrays of H W 3 bytes.
    private static func hostPixels(_ images: Tensor) -> [[UInt8]] {
        let flat = images.pixels().bytes()
        let size = flat.count / max(1, images.shape[0])
        return stride(from: 0, to: flat.count, by: size).map { Array(flat[$0..<($0 + size)]) }
    }
}
