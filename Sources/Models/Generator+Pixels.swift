import Torch
import TorchNN

extension Generator {
    /// Pictures as host pixels: for each z of [N, latent.size], resolution x resolution x 3 bytes, row by row.
    ///
    /// Uses running statistics and no tape; `batchSize` bounds the memory, not the result.
    public func pixels(_ z: Tensor, batchSize: Int = 64) -> [[UInt8]] {
        let wasTraining = isTraining
        train(false)
        defer { train(wasTraining) }
        let count = z.shape[0]
        return withoutGradients {
            stride(from: 0, to: count, by: batchSize).flatMap { start in
                let images = self(z[start..<min(count, start + batchSize)].to(device))
                return Self.hostPixels(images)
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
