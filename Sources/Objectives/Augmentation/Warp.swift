import Torch

/// Resampling of pictures by affine maps.
package enum Warp {
    /// Values outside a picture.
    package enum Padding: Sendable { case reflection, zeros }

    /// Scaling filter of the wavelet sym6 (Daubechies 1992, section 8.1). It is orthogonal to its even shifts.
    package static let sym6 = [
        -0.007800708325034148, 0.0017677118642428036, 0.04472490177066578, -0.021060292512300564,
        -0.07263752278646252, 0.3379294217276218, 0.787641141030194, 0.4910559419267466,
        -0.048311742585633, -0.11799011114819057, 0.0034907120842174702, 0.015404109327027373,
    ]

    /// Resamples each picture by its own map.
    /// - Parameters:
    ///   - maps: maps from positions in the result to positions in the picture, in pixels relative to the center.
    ///   - images: [N, 3, H, W].
    ///   - isOversampled: whether pictures are upsampled by 2 with `sym6` before sampling and downsampled afterwards,
    ///     which prevents aliasing (Karras et al. 2020, arXiv:2006.06676, appendix B). Otherwise sampling is
    ///     bilinear.
    ///   - padding: values outside a picture.
    /// - Returns: [N, 3, H, W].
    package static func apply(
        _ maps: [AffineMap], to images: Tensor, isOversampled: Bool, padding: Padding
    ) -> Tensor {
        require(
            images.isPoisoned || images.rank == 4 && images.shape[0] == maps.count,
            "Warp: expected \(maps.count) pictures [N, 3, H, W], got \(images.summary)")
        let coefficients = Tensor(doubles: maps.flatMap(\.coefficients), shape: [maps.count, 2, 3])
        return images.device == .cpu
            ? fused(images, coefficients, isOversampled: isOversampled, padding: padding)
            : composed(images, coefficients, isOversampled: isOversampled, padding: padding)
    }

    /// Resampling on the CPU in one pass per picture.
    /// - Parameter maps: [N, 2, 3], float64.
    package static func fused(_ images: Tensor, _ maps: Tensor, isOversampled: Bool, padding: Padding)
        -> Tensor
    {
        let taps = isOversampled ? sym6 : []
        return op(
            "facegan::warp", [images, maps, Tensor(doubles: taps, shape: [taps.count]), padding == .zeros],
            #fileID, #line)
    }

    /// Resampling by operators of libtorch, on any device. The result equals that of `fused`.
    /// - Parameter maps: [N, 2, 3], float64.
    package static func composed(_ images: Tensor, _ maps: Tensor, isOversampled: Bool, padding: Padding)
        -> Tensor
    {
        let shape = images.shape
        let taps = isOversampled ? sym6 : [1]
        let rows = WarpAxis(size: shape[2], taps: taps, padding: padding)
        let columns = WarpAxis(size: shape[3], taps: taps, padding: padding)
        func constant(_ matrix: Tensor) -> Tensor { matrix.to(images.device, images.dtype) }
        let upsampled = constant(rows.up).matmul(images).matmul(constant(columns.up).transposed(0, 1))

        // Position of each result sample [N, rows, columns] among the samples of the picture.
        let maps = maps.to(images.device)
        let across = (Tensor.range(columns.extent).to(images.device, .float64) - columns.middle)
            .reshape([1, 1, columns.extent])
        let down = (Tensor.range(rows.extent).to(images.device, .float64) - rows.middle)
            .reshape([1, rows.extent, 1])
        func positions(_ row: Int, _ axis: WarpAxis) -> Tensor {
            func number(_ column: Int) -> Tensor {
                maps.select(1, row).select(1, column).reshape([shape[0], 1, 1])
            }
            return number(0) * across + number(1) * down + number(2) * Double(axis.factor) + axis.middle
        }
        let (x, y) = (columns.neighbors(positions(0, columns)), rows.neighbors(positions(1, rows)))

        let samples = rows.extent * columns.extent
        let flat = upsampled.reshape([shape[0], shape[1], rows.samples * columns.samples])
        var sum: Tensor?
        for row in y {
            for column in x {
                let index = (row.index * Double(columns.samples) + column.index).to(.int64)
                    .reshape([shape[0], 1, samples]).expanded(to: [shape[0], shape[1], samples])
                let weight = (row.weight * column.weight).to(images.dtype).reshape([shape[0], 1, samples])
                let part = flat.gather(2, index) * weight
                sum = sum.map { $0 + part } ?? part
            }
        }
        let sampled = sum!.reshape([shape[0], shape[1], rows.extent, columns.extent])
        return constant(rows.down).matmul(sampled).matmul(constant(columns.down).transposed(0, 1))
    }
}

/// Samples along one side of the pictures.
struct WarpAxis {
    let size, factor, extent: Int
    private let taps: [Double]
    private let padding: Warp.Padding
    /// Sample at the center of the picture. The center of a filter is its first moment.
    let middle: Double

    init(size: Int, taps: [Double], padding: Warp.Padding) {
        (self.size, self.taps, self.padding) = (size, taps, padding)
        factor = taps.count == 1 ? 1 : 2
        extent = factor * (size - 1) + taps.count
        let moment = taps.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
        middle = moment / taps.reduce(0, +) + Double(factor * (size - 1)) / 2
    }

    /// Number of samples, or their period with reflection padding.
    var samples: Int { padding == .zeros ? size : factor * Reflection.period(size) }

    /// Upsampling matrix [samples, size], from pixels to samples.
    var up: Tensor {
        require(padding == .reflection || factor == 1, "Warp: oversampling requires reflection padding")
        var values = [Double](repeating: 0, count: samples * size)
        for sample in 0..<samples {
            for (index, tap) in taps.enumerated() where (sample - index) % factor == 0 {
                values[sample * size + Reflection.pixel((sample - index) / factor, of: size)] += tap
            }
        }
        return Tensor(doubles: values, shape: [samples, size])
    }

    /// Downsampling matrix [size, extent], from result samples to pixels.
    var down: Tensor {
        var values = [Double](repeating: 0, count: size * extent)
        for pixel in 0..<size {
            for (index, tap) in taps.enumerated() {
                values[pixel * extent + factor * pixel + index] = tap
            }
        }
        return Tensor(doubles: values, shape: [size, extent])
    }

    /// The two samples around each position and their interpolation weights.
    func neighbors(_ positions: Tensor) -> [(index: Tensor, weight: Tensor)] {
        let first = op("floor", [positions], #fileID, #line)
        let weight = positions - first
        return [(first, 1 - weight), (first + 1, weight)].map { index, weight in
            switch padding {
            case .reflection:
                return (op("remainder.Scalar", [index, Double(samples)], #fileID, #line), weight)
            case .zeros:
                let inside = index.clamped(0...Double(size - 1))
                return (inside, weight * inside.equal(to: index).to(weight.dtype))
            }
        }
    }
}

/// Reflection padding of any width.
enum Reflection {
    /// Pixel at `index` of a reflected side of `size` pixels. The border pixel is not repeated.
    static func pixel(_ index: Int, of size: Int) -> Int {
        let period = self.period(size)
        let index = (index % period + period) % period
        return min(index, period - index)
    }

    /// Period of a reflected side, in pixels.
    static func period(_ size: Int) -> Int { max(1, 2 * (size - 1)) }
}
