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

extension PairDistances {
    /// Structural similarity, at most 1 (Wang et al. 2004).
    ///
    /// Gaussian windows of 11 pixels with a deviation of 1.5, k1 0.01, k2 0.03, levels in 0...1, biased variances. Sides
    /// of 11 or more.
    public static func ssim(
        _ a: Tensor, _ b: Tensor, channels: Channels = .rgb, border: Border = .inside
    ) -> Tensor {
        let (x, y) = (levels(a, channels), levels(b, channels))
        requireEqual(x, y)
        return structure(x, y, border).similarity
    }

    /// Structural similarity over octaves, 0...1 (Wang et al. 2003): contrast and structure on all of them, luminance on the
    /// coarsest.
    ///
    /// Five octaves need sides of 176; smaller pictures have fewer, the weights scaled to a sum of 1: see
    /// `msSSIMScales`. A negative factor counts as zero.
    /// - Parameter border: of the coarsest octave; the contrasts of the others are taken inside.
    public static func msSSIM(
        _ a: Tensor, _ b: Tensor, channels: Channels = .rgb, border: Border = .inside
    ) -> Tensor {
        var (x, y) = (levels(a, channels), levels(b, channels))
        requireEqual(x, y)
        let weights = msSSIMWeights(height: x.shape[2], width: x.shape[3])
        var product: Tensor?
        for (index, weight) in weights.enumerated() {
            let isLast = index == weights.count - 1
            let found = structure(x, y, isLast ? border : .inside)
            let factor = power(isLast ? found.similarity : found.contrast, weight)
            product = product.map { $0 * factor } ?? factor
            if !isLast { (x, y) = (x.averagePool2d(2, stride: 2), y.averagePool2d(2, stride: 2)) }
        }
        return product ?? .ones([x.shape[0]])
    }

    /// Octaves of `msSSIM` for pictures of this size, 1...5; say it beside the value where it is not 5.
    public static func msSSIMScales(height: Int, width: Int) -> Int {
        let side = min(height, width)
        precondition(side >= window, "ssim: expected sides of \(window) or more, got \(height) x \(width)")
        return (1...msSSIMPaper.count).last { side >> ($0 - 1) >= window } ?? 1
    }

    static func msSSIMWeights(height: Int, width: Int) -> [Double] {
        let weights = msSSIMPaper.prefix(msSSIMScales(height: height, width: width))
        // The paper's own have the sum 1.0001.
        let sum = weights.count == msSSIMPaper.count ? 1 : weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    private static let msSSIMPaper = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    private static let window = 11

    /// x^weight, and 0 below 0; there the gradient is 0 too, not NaN.
    private static func power(_ x: Tensor, _ weight: Double) -> Tensor {
        x.clampedBelow(1e-12).pow(weight) * x.greater(than: 0).to(x.dtype)
    }

    /// Means over a picture of levels 0...1: of the whole index, and of contrast and structure alone; [N] each.
    private static func structure(_ x: Tensor, _ y: Tensor, _ border: Border) -> (
        similarity: Tensor, contrast: Tensor
    ) {
        // Windows in half precision would leave nothing of the variances, which are differences.
        withAutocast(.float32, on: x.device) {
            let count = x.shape[0]
            let reach = window / 2
            func edged(_ map: Tensor) -> Tensor {
                border == .mirrored ? map.reflectionPadded([reach, reach, reach, reach]) : map
            }
            let found = edged(x).structuralSimilarity(to: edged(y), window: window)
            func mean(_ map: Tensor) -> Tensor { map.reshape([count, -1]).mean([1]) }
            return (mean(found.similarity), mean(found.contrast))
        }
    }
}
