import Torch

/// Pictures seen through affine maps.
package enum Warp {
    /// What is seen beyond the edges of a picture.
    package enum Beyond: Sendable { case mirrorImages, zeros }

    /// Scaling filter of the wavelet sym6 (Daubechies 1992, section 8.1): orthogonal to itself at even shifts.
    package static let sym6 = [
        -0.007800708325034148, 0.0017677118642428036, 0.04472490177066578, -0.021060292512300564,
        -0.07263752278646252, 0.3379294217276218, 0.787641141030194, 0.4910559419267466,
        -0.048311742585633, -0.11799011114819057, 0.0034907120842174702, 0.015404109327027373,
    ]

    /// Each picture of [N, 3, H, W] with its own map.
    /// - Parameters:
    ///   - maps: from the view to the picture, in pixels around the middle.
    ///   - isOversampled: looks between the pixels of a picture twice as dense, made by `sym6`, and goes back by the same
    ///     filter reversed, which takes away what would alias (Karras et al. 2020, appendix B). Else bilinearly.
    package static func apply(
        _ maps: [PlaneMap], to images: Tensor, isOversampled: Bool, beyond: Beyond
    ) -> Tensor {
        require(
            images.isPoisoned || images.rank == 4 && images.shape[0] == maps.count,
            "warp: expected \(maps.count) pictures [N, 3, H, W], got \(images.summary)")
        let numbers = Tensor(doubles: maps.flatMap(\.numbers), shape: [maps.count, 2, 3])
        return images.device == .cpu
            ? fused(images, numbers, isOversampled: isOversampled, beyond: beyond)
            : composed(images, numbers, isOversampled: isOversampled, beyond: beyond)
    }

    /// In one pass over each picture, on the CPU.
    package static func fused(_ images: Tensor, _ maps: Tensor, isOversampled: Bool, beyond: Beyond) -> Tensor
    {
        let taps = isOversampled ? sym6 : []
        return op(
            "facegan::warp", [images, maps, Tensor(doubles: taps, shape: [taps.count]), beyond == .zeros],
            #fileID, #line)
    }

    /// By the engine's operators, on any device: the same numbers.
    /// - Parameter maps: [N, 2, 3].
    package static func composed(_ images: Tensor, _ maps: Tensor, isOversampled: Bool, beyond: Beyond)
        -> Tensor
    {
        let shape = images.shape
        let taps = isOversampled ? sym6 : [1]
        let rows = WarpAxis(size: shape[2], taps: taps, beyond: beyond)
        let columns = WarpAxis(size: shape[3], taps: taps, beyond: beyond)
        func constant(_ matrix: Tensor) -> Tensor { matrix.to(images.device, images.dtype) }
        let dense = constant(rows.up).matmul(images).matmul(constant(columns.up).transposed(0, 1))

        // Where each sample of the view [N, rows, columns] lies among those of the picture.
        let maps = maps.to(images.device)
        let across = (Tensor.range(columns.frame).to(images.device, .float64) - columns.middle)
            .reshape([1, 1, columns.frame])
        let down = (Tensor.range(rows.frame).to(images.device, .float64) - rows.middle)
            .reshape([1, rows.frame, 1])
        func places(_ row: Int, _ axis: WarpAxis) -> Tensor {
            func number(_ column: Int) -> Tensor {
                maps.select(1, row).select(1, column).reshape([shape[0], 1, 1])
            }
            return number(0) * across + number(1) * down + number(2) * Double(axis.factor) + axis.middle
        }
        let (x, y) = (columns.neighbors(places(0, columns)), rows.neighbors(places(1, rows)))

        let samples = rows.frame * columns.frame
        let flat = dense.reshape([shape[0], shape[1], rows.samples * columns.samples])
        var view: Tensor?
        for row in y {
            for column in x {
                let index = (row.index * Double(columns.samples) + column.index).to(.int64)
                    .reshape([shape[0], 1, samples]).expanded(to: [shape[0], shape[1], samples])
                let share = (row.share * column.share).to(images.dtype).reshape([shape[0], 1, samples])
                let part = flat.gather(2, index) * share
                view = view.map { $0 + part } ?? part
            }
        }
        let seen = view!.reshape([shape[0], shape[1], rows.frame, columns.frame])
        return constant(rows.down).matmul(seen).matmul(constant(columns.down).transposed(0, 1))
    }
}

/// One side of pictures, and the samples between its pixels.
struct WarpAxis {
    let size, factor, frame: Int
    private let taps: [Double]
    private let beyond: Warp.Beyond
    /// The sample in the middle of the picture; a filter's middle is where it leaves what is smooth.
    let middle: Double

    init(size: Int, taps: [Double], beyond: Warp.Beyond) {
        (self.size, self.taps, self.beyond) = (size, taps, beyond)
        factor = taps.count == 1 ? 1 : 2
        frame = factor * (size - 1) + taps.count
        let moment = taps.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
        middle = moment / taps.reduce(0, +) + Double(factor * (size - 1)) / 2
    }

    /// As many as there are until all comes again.
    var samples: Int { beyond == .zeros ? size : factor * MirrorImage.period(size) }

    /// [samples, size]: from pixels to samples.
    var up: Tensor {
        require(beyond == .mirrorImages || factor == 1, "warp: expected no zeros beyond oversampled pictures")
        var values = [Double](repeating: 0, count: samples * size)
        for sample in 0..<samples {
            for (place, tap) in taps.enumerated() where (sample - place) % factor == 0 {
                values[sample * size + MirrorImage.pixel((sample - place) / factor, of: size)] += tap
            }
        }
        return Tensor(doubles: values, shape: [samples, size])
    }

    /// [size, frame]: from the view's samples to its pixels.
    var down: Tensor {
        var values = [Double](repeating: 0, count: size * frame)
        for pixel in 0..<size {
            for (place, tap) in taps.enumerated() {
                values[pixel * frame + factor * pixel + place] = tap
            }
        }
        return Tensor(doubles: values, shape: [size, frame])
    }

    /// The samples on both sides of places, and how much of each is seen.
    func neighbors(_ places: Tensor) -> [(index: Tensor, share: Tensor)] {
        let first = op("floor", [places], #fileID, #line)
        let share = places - first
        return [(first, 1 - share), (first + 1, share)].map { index, share in
            switch beyond {
            case .mirrorImages:
                return (op("remainder.Scalar", [index, Double(samples)], #fileID, #line), share)
            case .zeros:
                let inside = index.clamped(0...Double(size - 1))
                return (inside, share * inside.equal(to: index).to(share.dtype))
            }
        }
    }
}
