import Torch

/// Distances and similarities of corresponding pictures.
///
/// All functions accept pictures [N, 3, H, W] in -1...1 and return one value per pair, [N]. All are differentiable.
/// Levels are not rounded to bytes.
public enum PairDistances {
    /// Channels that are compared.
    public enum Channels: Sendable, CaseIterable {
        /// Red, green and blue, averaged.
        case rgb
        /// Luma of BT.601 in 16...235 of 255, the convention of super resolution.
        case luma
    }

    /// Treatment of windows that cross the border of a picture.
    public enum Border: Sendable, CaseIterable {
        /// Such windows are left out (Wang et al. 2004; scikit-image).
        case inside
        /// The picture is extended by reflection (torchmetrics).
        case mirrored
    }

    /// Peak signal-to-noise ratio in decibels, [N]; infinite for equal pictures. Higher is better.
    /// - Parameters:
    ///   - a: pictures [N, 3, H, W] in -1...1.
    ///   - b: pictures of the same shape.
    ///   - channels: channels that are compared.
    ///   - margin: pixels left out at each edge; super resolution uses the upscaling factor.
    public static func psnr(_ a: Tensor, _ b: Tensor, channels: Channels = .rgb, margin: Int = 0) -> Tensor {
        let (x, y) = (levels(a, channels), levels(b, channels))
        requireEqual(x, y)
        let (height, width) = (x.shape[2] - 2 * margin, x.shape[3] - 2 * margin)
        precondition(
            height > 0 && width > 0, "psnr: a margin of \(margin) pixels leaves no pixels of \(a.summary)")
        let error = (x - y).narrow(2, start: margin, length: height).narrow(3, start: margin, length: width)
        return error.square().mean([1, 2, 3]).log() * (-10 / 2.302_585_092_994_046)
    }

    /// Traps unless both tensors have the same shape.
    static func requireEqual(_ a: Tensor, _ b: Tensor) {
        precondition(a.shape == b.shape, "expected pictures of one shape, got \(a.summary) and \(b.summary)")
    }

    /// Levels 0...1, Float or Double [N, 3 or 1, H, W], of pictures [N, 3, H, W] in -1...1.
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
    /// Structural similarity, SSIM (Wang et al. 2004), [N], at most 1. Higher is better.
    ///
    /// Gaussian windows of 11 pixels with a standard deviation of 1.5, k1 = 0.01, k2 = 0.03, levels 0...1, biased
    /// variances.
    /// - Parameters:
    ///   - a: pictures [N, 3, H, W] in -1...1 with sides of 11 or more.
    ///   - b: pictures of the same shape.
    ///   - channels: channels that are compared.
    ///   - border: treatment of windows that cross the border.
    public static func ssim(
        _ a: Tensor, _ b: Tensor, channels: Channels = .rgb, border: Border = .inside
    ) -> Tensor {
        let (x, y) = (levels(a, channels), levels(b, channels))
        requireEqual(x, y)
        return structure(x, y, border).similarity
    }

    /// Multi-scale structural similarity, MS-SSIM (Wang et al. 2003), [N], 0...1. Higher is better.
    ///
    /// Five scales require sides of 176 or more. Smaller pictures have fewer scales, with weights that are scaled to
    /// the
    /// sum 1; see `msSSIMScales`. A negative factor counts as zero.
    /// - Parameters:
    ///   - a: pictures [N, 3, H, W] in -1...1 with sides of 11 or more.
    ///   - b: pictures of the same shape.
    ///   - channels: channels that are compared.
    ///   - border: treatment of the border at the coarsest scale; the other scales use `.inside`.
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

    /// Number of scales of `msSSIM` for pictures of this size, 1...5. Values with different numbers are not comparable.
    public static func msSSIMScales(height: Int, width: Int) -> Int {
        let side = min(height, width)
        precondition(
            side >= minSSIMSide, "ssim: expected sides of \(minSSIMSide) or more, got \(height) x \(width)")
        return (1...msSSIMPaper.count).last { side >> ($0 - 1) >= window } ?? 1
    }

    /// Weight of each scale for pictures of this size, finest first.
    static func msSSIMWeights(height: Int, width: Int) -> [Double] {
        let weights = msSSIMPaper.prefix(msSSIMScales(height: height, width: width))
        // The five weights of the paper have the sum 1.0001 and are used unscaled.
        let sum = weights.count == msSSIMPaper.count ? 1 : weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    private static let msSSIMPaper = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    private static let window = 11

    /// Smallest width and height of pictures for `ssim` and `msSSIM`, in pixels.
    public static var minSSIMSide: Int { window }

    /// max(x, 0)^weight of any shape, with a gradient of 0 instead of NaN at and below 0.
    private static func power(_ x: Tensor, _ weight: Double) -> Tensor {
        x.clampedBelow(1e-12).pow(weight) * x.greater(than: 0).to(x.dtype)
    }

    /// Means of the similarity and contrast maps of levels 0...1, [N] each; see `structuralSimilarity`.
    private static func structure(_ x: Tensor, _ y: Tensor, _ border: Border) -> (
        similarity: Tensor, contrast: Tensor
    ) {
        // The variances are differences of larger numbers, which half precision would round away.
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
