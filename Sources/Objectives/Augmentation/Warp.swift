import Torch

/// Resampling of pictures by affine maps.
package final class Warp {
    /// Values outside a picture.
    package enum Padding: Sendable { case reflection, zeros }

    /// Scaling filter of the wavelet sym6 (Daubechies 1992, section 8.1). It is orthogonal to its even shifts.
    package static let sym6 = [
        -0.007800708325034148, 0.0017677118642428036, 0.04472490177066578, -0.021060292512300564,
        -0.07263752278646252, 0.3379294217276218, 0.787641141030194, 0.4910559419267466,
        -0.048311742585633, -0.11799011114819057, 0.0034907120842174702, 0.015404109327027373,
    ]

    private let isOversampled: Bool
    private let padding: Padding
    private let kept = KeptTensors()

    /// Creates a resampling.
    /// - Parameters:
    ///   - isOversampled: whether pictures are upsampled by 2 with `sym6` before sampling and downsampled afterwards,
    ///     which prevents aliasing (Karras et al. 2020, arXiv:2006.06676, appendix B). Otherwise sampling is
    ///     bilinear.
    ///   - padding: values outside a picture.
    package init(isOversampled: Bool, padding: Padding) {
        (self.isOversampled, self.padding) = (isOversampled, padding)
    }

    /// Resamples each picture by its own map.
    /// - Parameters:
    ///   - images: [N, 3, H, W].
    ///   - maps: maps from positions in the result to positions in the picture, in pixels relative to the center,
    ///     [N, 2, 3], float64. A row has the factors of x and y and the offset.
    /// - Returns: [N, 3, H, W].
    package func callAsFunction(_ images: Tensor, _ maps: Tensor) -> Tensor {
        require(
            images.isPoisoned || maps.isPoisoned
                || images.rank == 4 && maps.shape == [images.shape[0], 2, 3],
            "Warp: expected pictures [N, 3, H, W] and maps [N, 2, 3], got \(images.summary) and \(maps.summary)"
        )
        return images.device == .cpu ? fused(images, maps) : composed(images, maps)
    }

    /// Resampling on the CPU in one pass per picture.
    package func fused(_ images: Tensor, _ maps: Tensor) -> Tensor {
        let taps = kept("taps", on: .cpu) { Tensor(doubles: isOversampled ? Self.sym6 : []) }
        return op("facegan::warp", [images, maps, taps, padding == .zeros], #fileID, #line)
    }

    /// Resampling by operators of libtorch, on any device. The result equals that of `fused`.
    package func composed(_ images: Tensor, _ maps: Tensor) -> Tensor {
        let shape = images.shape
        let taps = isOversampled ? Self.sym6 : [1]
        let rows = WarpAxis(size: shape[2], taps: taps, padding: padding)
        let columns = WarpAxis(size: shape[3], taps: taps, padding: padding)
        func constant(_ name: String, _ axis: WarpAxis, _ matrix: () -> Tensor) -> Tensor {
            kept(name, axis.size, on: images.device, images.dtype, make: matrix)
        }
        func up(_ axis: WarpAxis) -> Tensor { constant("up", axis) { axis.up } }
        func down(_ axis: WarpAxis) -> Tensor { constant("down", axis) { axis.down } }
        // Without oversampling and reflection, samples are pixels.
        let upsampled =
            isOversampled || padding == .reflection
            ? up(rows).matmul(images).matmul(up(columns).transposed(0, 1)) : images

        // Position of each result sample [N, rows, columns] among the samples of the picture.
        func centered(_ axis: WarpAxis) -> Tensor {
            kept("centered", axis.size, on: images.device) {
                Tensor.range(axis.extent).to(.float64) - axis.middle
            }
        }
        let across = centered(columns).reshape([1, 1, columns.extent])
        let below = centered(rows).reshape([1, rows.extent, 1])
        func positions(_ row: Int, _ axis: WarpAxis) -> Tensor {
            func number(_ column: Int) -> Tensor {
                maps.select(1, row).select(1, column).reshape([shape[0], 1, 1])
            }
            return number(0) * across + number(1) * below + number(2) * Double(axis.factor) + axis.middle
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
        guard isOversampled else { return sampled }
        return down(rows).matmul(sampled).matmul(down(columns).transposed(0, 1))
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
