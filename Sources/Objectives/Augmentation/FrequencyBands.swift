import Foundation
import Torch

/// Image-space filtering of ADA: four frequency bands, amplified independently (Karras et al. 2020, arXiv:2006.06676,
/// appendix B).
package enum FrequencyBands {
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

    /// Draws the gains of one picture. Each amplification preserves the expected power of a natural image.
    static func draw(_ drawn: inout PictureDraws, probability: Double) -> [Double] {
        var gains = [Double](repeating: 1, count: count)
        for band in 0..<count {
            let happens = drawn.happens(probability)
            let octaves = drawn.normal(1)
            if happens { gains = amplified(gains, band: band, by: exp2(octaves)) }
        }
        return gains
    }

    /// Gains after amplifying one band by a factor, normalized to preserve the expected power.
    package static func amplified(_ gains: [Double], band: Int, by factor: Double) -> [Double] {
        let factors = (0..<count).map { $0 == band ? factor : 1 }
        let total = zip(factors, power).reduce(0) { $0 + $1.0 * $1.0 * $1.1 }.squareRoot()
        return zip(gains, factors).map { $0 * $1 / total }
    }

    /// Filters each picture with its own gains, with reflection padding.
    /// - Parameters:
    ///   - gains: four gains for each of N pictures.
    ///   - images: [N, 3, H, W].
    /// - Returns: [N, 3, H, W].
    package static func apply(_ gains: [[Double]], to images: Tensor) -> Tensor {
        let shape = images.shape
        require(
            images.isPoisoned
                || shape.count == 4 && shape[0] == gains.count
                    && gains.allSatisfy { $0.count == count },
            "FrequencyBands: expected pictures [N, 3, H, W] and N lists of \(count) gains, got \(images.summary) and "
                + "\(gains.count) lists")
        let factors = Tensor(doubles: gains.flatMap { $0 }, shape: [gains.count, count])
        // Filtering along one side is a product with a matrix.
        func filters(_ side: Int) -> Tensor {
            factors.matmul(matrices(side)).reshape([gains.count, 1, side, side])
                .to(images.device, images.dtype)
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
