import Torch

/// Distances between a picture and what should equal it.
///
/// All take pictures [N, 3, H, W] in -1...1 and give [N]; gradients flow through all. Nothing is rounded to bytes.
public enum PairDistances {
    /// What is compared.
    public enum Channels: Sendable, CaseIterable {
        /// Red, green and blue, averaged.
        case rgb
        /// The luma of BT.601 in 16...235 of 255, as super resolution is judged.
        case luma
    }

    /// What happens where a window leaves the picture.
    public enum Border: Sendable, CaseIterable {
        /// Only windows inside count (Wang et al. 2004; scikit-image).
        case inside
        /// The picture is mirrored (torchmetrics).
        case mirrored
    }

    /// Peak signal-to-noise ratio in decibels; infinite for equal pictures.
    /// - Parameter margin: pixels left out at each edge; super resolution leaves out as many as its factor.
    public static func psnr(_ a: Tensor, _ b: Tensor, channels: Channels = .rgb, margin: Int = 0) -> Tensor {
        let (x, y) = (levels(a, channels), levels(b, channels))
        requireEqual(x, y)
        let (height, width) = (x.shape[2] - 2 * margin, x.shape[3] - 2 * margin)
        precondition(height > 0 && width > 0, "psnr: nothing is left of \(a.summary) inside \(margin) pixels")
        let error = (x - y).narrow(2, start: margin, length: height).narrow(3, start: margin, length: width)
        return error.square().mean([1, 2, 3]).log() * (-10 / 2.302_585_092_994_046)
    }

    static func requireEqual(_ a: Tensor, _ b: Tensor) {
        precondition(a.shape == b.shape, "expected pictures of one size, got \(a.summary) and \(b.summary)")
    }

    /// Pictures in -1...1 as levels in 0...1, [N, 3 or 1, H, W], in single precision at least.
    static func levels(_ pictures: Tensor, _ channels: Channels) -> Tensor {
        precondition(
            pictures.rank == 4 && pictures.shape[1] == 3,
            "expected pictures [N, 3, H, W], got \(pictures.summary)")
        let wide = pictures.dtype == .float64 ? pictures : pictures.to(.float32)
        let levels = (wide + 1) * 0.5
        guard channels == .luma else { return levels }
        let weights = Tensor(doubles: [65.481, 128.553, 24.966], shape: [1, 3, 1, 1])
        return ((levels * weights.to(levels.device, levels.dtype)).sum([1], keep: true) + 16) / 255
    }
}
