import Torch

/// Image-space filtering of ADA: four frequency bands, amplified independently (Karras et al. 2020, arXiv:2006.06676,
/// appendix B).
package final class FrequencyBands {
    /// Number of bands.
    package static let count = 4
    /// Expected fraction of the power of a natural image in each band, from the lowest.
    private static let power = [10.0 / 13, 1.0 / 13, 1.0 / 13, 1.0 / 13]

    /// Half-band filter: autocorrelation of the wavelet sym2.
    private static let low = [-1.0, 0, 9, 16, 9, 0, -1].map { $0 / 32 }
    /// Complement of `low`: unit impulse minus `low`.
    private static let high = [1.0, 0, -9, 16, -9, 0, 1].map { $0 / 32 }

    /// Filters of the bands [0, π/8], [π/8, π/4], [π/4, π/2], [π/2, π], each symmetric with 43 taps. Their sum is the
    /// unit impulse.
    package static let taps: [[Double]] = {
        func spread(_ taps: [Double], _ factor: Int) -> [Double] {
            (0..<(taps.count - 1) * factor + 1).map { $0 % factor == 0 ? taps[$0 / factor] : 0 }
        }
        func product(_ a: [Double], _ b: [Double]) -> [Double] {
            var result = [Double](repeating: 0, count: a.count + b.count - 1)
            for (i, x) in a.enumerated() { for (j, y) in b.enumerated() { result[i + j] += x * y } }
            return result
        }
        let two = product(low, spread(low, 2))
        let bands = [
            product(two, spread(low, 4)), product(two, spread(high, 4)), product(low, spread(high, 2)), high,
        ]
        let longest = bands[0].count
        return bands.map { taps in
            let zeros = [Double](repeating: 0, count: (longest - taps.count) / 2)
            return zeros + taps + zeros
        }
    }()

    private let kept = KeptTensors()

    package init() {}

    /// Gains after amplifying each band by its factor. Each amplification preserves the expected power of a natural image.
    /// - Parameter factors: [N, 4], float64.
    /// - Returns: [N, 4].
    package func gains(_ factors: Tensor) -> Tensor {
        let power = kept("power", on: factors.device) { Tensor(doubles: Self.power) }
        // Exactly 1 for the factor 1.
        let totals = ((factors.square() - 1) * power + 1).sqrt()
        return factors / op("prod.dim_int", [totals, 1, true], #fileID, #line)
    }

    /// Filters each picture with its own gains, with reflection padding.
    /// - Parameters:
    ///   - images: [N, 3, H, W].
    ///   - gains: gains of the bands [N, 4], float64.
    /// - Returns: [N, 3, H, W].
    package func callAsFunction(_ images: Tensor, gains: Tensor) -> Tensor {
        let (shape, count) = (images.shape, gains.shape[0])
        require(
            images.isPoisoned || gains.isPoisoned
                || shape.count == 4 && shape[0] == count && gains.shape == [count, Self.count],
            "FrequencyBands: expected pictures [N, 3, H, W] and gains [N, \(Self.count)], got \(images.summary) and "
                + gains.summary)
        // Filtering along one side is a product with a matrix.
        func filters(_ side: Int) -> Tensor {
            let matrices = kept("matrices", side, on: gains.device) { Self.matrices(side) }
            return gains.matmul(matrices).reshape([shape[0], 1, side, side]).to(images.dtype)
        }
        return filters(shape[2]).matmul(images).matmul(filters(shape[3]).transposed(2, 3))
    }

    /// Filter matrices of the bands for one side, [4, side * side], row by row.
    private static func matrices(_ side: Int) -> Tensor {
        var values = [Double](repeating: 0, count: count * side * side)
        for (band, taps) in taps.enumerated() {
            for row in 0..<side {
                for (index, tap) in taps.enumerated() where tap != 0 {
                    let column = Reflection.pixel(row + index - taps.count / 2, of: side)
                    values[(band * side + row) * side + column] += tap
                }
            }
        }
        return Tensor(doubles: values, shape: [count, side * side])
    }
}
