import Foundation
import Metrics
import Models
import Torch

/// Errors of restored pictures, for several restorers on the same inputs.
public struct RestorationScore {
    /// Scores of one restorer.
    public struct Row: Sendable, Equatable {
        /// Name of the restorer.
        public let name: String
        /// Mean over the pictures and standard error of the mean, for each of `measures`.
        public let values: [(mean: Double, error: Double)]

        /// Whether names and values are equal.
        public static func == (a: Row, b: Row) -> Bool {
            a.name == b.name && a.values.elementsEqual(b.values) { $0 == $1 }
        }
    }

    /// Measures of the error.
    public let measures: [PairMeasure]
    /// One row for each restorer.
    public let rows: [Row]
    /// Number of pictures.
    public let count: Int

    private static let batchSize = 32
    /// Seed of the degradations of the inputs; separate from the stream of the training.
    public static let seed: UInt64 = 0x1_1907

    /// Computes the scores.
    /// - Parameters:
    ///   - restorers: names, and functions from inputs [N, 3, h, w] to pictures [N, 3, H, W], all in -1...1.
    ///   - input: degradation that makes the inputs; the same for all restorers.
    ///   - measures: measures of the error.
    ///   - count: number of pictures.
    ///   - pictures: original pictures of a range, [N, 3, H, W] in -1...1.
    ///   - progress: called with the number of processed pictures.
    ///   - isCancelled: called between batches.
    /// - Throws: `CancellationError`.
    public init(
        _ restorers: [(name: String, restore: (Tensor) -> Tensor)], input: RestorerInput,
        measures: [PairMeasure], count: Int, pictures: (Range<Int>) -> Tensor,
        progress: (_ done: Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }
    ) throws {
        var values = restorers.map { _ in measures.map { _ in [Double]() } }
        let random = RandomSource(seed: Self.seed)
        for start in stride(from: 0, to: count, by: Self.batchSize) {
            if isCancelled() { throw CancellationError() }
            let end = min(count, start + Self.batchSize)
            withoutGradients {
                let target = pictures(start..<end)
                let given = input(target, random: random)
                for (row, restorer) in restorers.enumerated() {
                    let made = restorer.restore(given).to(.float32).clamped(-1...1)
                    for (column, measure) in measures.enumerated() {
                        values[row][column] += measure(made, target).doubles()
                    }
                }
            }
            progress(end)
        }
        rows = zip(restorers, values).map { restorer, columns in
            Row(
                name: restorer.name,
                values: columns.map { values in
                    // The PSNR of equal pictures is infinite.
                    let finite = values.filter { $0 != .infinity }
                    let count = Double(max(1, finite.count))
                    let mean = finite.reduce(0, +) / count
                    let spread = finite.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / count
                    return (mean, (spread / count).squareRoot())
                })
        }
        (self.measures, self.count) = (measures, count)
    }
}
