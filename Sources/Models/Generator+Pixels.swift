import Torch
import TorchNN

extension Generator {
    /// Pictures as host pixels: for each z of [N, latent.size], resolution x resolution x 3 bytes, row by row.
    ///
    /// A picture depends on its z alone; see ``images(_:batchSize:)``.
    public func pixels(_ z: Tensor, batchSize: Int = pictureBatchSize) -> [[UInt8]] {
        batches(z, batchSize) { Self.hostPixels($0) }.flatMap { $0 }
    }

    /// Pictures [N, 3, resolution, resolution] in -1...1 from z [N, latent.size], with running statistics and no tape.
    ///
    /// A picture does not depend on the others. Engines add in another order for another batch size, which may change a
    /// last bit, so the network always sees `batchSize` rows: the last batch is filled up, and what is too much dropped.
    /// - Parameter batchSize: bounds the memory; another one may change last bits.
    public func images(_ z: Tensor, batchSize: Int = pictureBatchSize) -> Tensor {
        Tensor.concatenated(batches(z, batchSize) { $0.to(.float32) })
    }

    private func batches<Result>(_ z: Tensor, _ batchSize: Int, _ body: (Tensor) -> Result) -> [Result] {
        let wasTraining = isTraining
        train(false)
        defer { train(wasTraining) }
        let count = z.shape[0]
        return withoutGradients {
            stride(from: 0, to: count, by: batchSize).map { start in
                let end = min(count, start + batchSize)
                let filling = Array(repeating: z[start..<(start + 1)], count: start + batchSize - end)
                let images = self(Tensor.concatenated([z[start..<end]] + filling).to(device))
                return body(images[0..<(end - start)])
            }
        }
    }

    /// [N, 3, H, W] in -1...1 to N times H W 3 bytes.
    private static func hostPixels(_ images: Tensor) -> [[UInt8]] {
        let bytes = ((images.to(.float32).clamped(-1...1) + 1) * 127.5).round().to(.uint8)
        // [N, 3, H, W] to [N, H, W, 3]
        let flat = bytes.permuted([0, 2, 3, 1]).contiguous().bytes()
        let size = flat.count / max(1, images.shape[0])
        return stride(from: 0, to: flat.count, by: size).map { Array(flat[$0..<($0 + size)]) }
    }
}

/// How many pictures a generator makes at once where nothing else is asked for; the same everywhere, so that the same
/// seed is the same face to the last bit.
public let pictureBatchSize = 16
