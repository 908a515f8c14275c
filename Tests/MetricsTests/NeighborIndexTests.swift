import Metrics
import Testing
import Torch

/// Distances within a reference set.
@Suite struct NeighborIndexTests {
    /// Distances to the nearest other row, by comparison of all pairs.
    private static func expected(_ rows: [[Float]], among indices: [Int]) -> [Double] {
        indices.map { row in
            rows.indices.filter { $0 != row }.map { other in
                zip(rows[row], rows[other]).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
                    .squareRoot()
            }.min() ?? 0
        }.sorted()
    }

    @Test func distancesLeaveOutTheRowItself() {
        let values = Tensor.normal([40, 5], random: RandomSource(seed: 1)).floats()
        var rows = (0..<40).map { Array(values[5 * $0..<5 * $0 + 5]) }
        // Two copies of one row, and three of another.
        rows[7] = rows[3]
        (rows[20], rows[30]) = (rows[10], rows[10])
        let index = NeighborIndex(Tensor(rows.flatMap(\.self), shape: [40, 5]))
        for limit in [nil, 100, 40, 13, 1] {
            let count = min(40, limit ?? 40)
            let chosen = (0..<count).map { $0 * 40 / count }
            let found = index.distancesWithin(limit: limit).values
            let expected = Self.expected(rows, among: chosen)
            #expect(found.count == count)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(found) \(expected)")
        }
    }

    @Test func quantilesCountSmallerValues() {
        let rows: [Float] = [0, 1, 3, 6, 10]
        let within = NeighborIndex(Tensor(rows, shape: [5, 1])).distancesWithin()
        #expect(within.values == [1, 1, 2, 3, 4])
        #expect(within.quantile(of: 0.5) == 0 && within.quantile(of: 2) == 0.4 && within.quantile(of: 9) == 1)
        #expect(within.distance(atQuantile: 0) == 1 && within.distance(atQuantile: 0.5) == 2)
        #expect(within.distance(atQuantile: 1) == 4)
    }
}
