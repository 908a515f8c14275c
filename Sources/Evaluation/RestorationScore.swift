import Foundation
import Metrics
import Models
import Torch

/// How near restored pictures come to the true ones, for several restorers on the same inputs.
public struct RestorationScore {
    /// One way to restore, and what it gives.
    public struct Row: Sendable, Equatable {
        public let name: String
        /// Means over the pictures, in the order of `measures`, and their standard errors.
        public let values: [(mean: Double, error: Double)]

        public static func == (a: Row, b: Row) -> Bool {
            a.name == b.name && a.values.elementsEqual(b.values) { $0 == $1 }
        }
    }

    public let measures: [PairMeasure]
    public let rows: [Row]
    public let count: Int

    private static let batchSize = 32
    /// Of what inputs are made with; another stream than a training's.
    public static let seed: UInt64 = 0x1_1907

    /// - Parameters:
    ///   - restorers: name and function, from inputs [N, 3, h, w] to pictures [N, 3, H, W].
    ///   - input: what the restorers are given, always the same.
    ///   - pictures: true ones of a range, [N, 3, H, W] in -1...1.
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
                    // Equal pictures have no noise ratio.
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
