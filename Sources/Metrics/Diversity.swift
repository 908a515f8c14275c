import Torch

/// How different pictures of one set are from each other.
public enum Diversity {
    /// The mean distance of random pairs.
    ///
    /// A collapsed generator is at zero. Compare only at one distance and one size of picture.
    /// - Parameters:
    ///   - pictures: [N, ...], or features of them.
    ///   - pairs: how many are compared; no picture is in two before all are in one.
    ///   - seed: of the pairs.
    ///   - distance: of the pictures of two batches, pair by pair, [n].
    public static func estimate(
        _ pictures: Tensor, pairs: Int = 1000, batchSize: Int = 32, seed: UInt64 = 0,
        distance: (Tensor, Tensor) -> Tensor
    ) -> Estimate {
        let count = pictures.shape[0]
        precondition(count > 1 && pairs > 0, "Diversity: expected two pictures, got \(pictures.summary)")
        let chosen = Self.pairs(pairs, of: count, seed: seed)
        let distances = withoutGradients {
            stride(from: 0, to: pairs, by: batchSize).flatMap { start in
                let batch = chosen[start..<min(pairs, start + batchSize)]
                func rows(_ indices: [Int]) -> Tensor {
                    pictures.indexSelect(0, Tensor(indices).to(pictures.device))
                }
                return distance(rows(batch.map { $0.0 }), rows(batch.map { $0.1 })).doubles()
            }
        }
        return Estimate(
            value: Estimate.moments(distances).mean, error: error(distances, chosen, of: count))
    }

    /// All pictures in a random order, two and two, as often as needed.
    static func pairs(_ wanted: Int, of count: Int, seed: UInt64) -> [(Int, Int)] {
        let random = RandomSource(seed: seed)
        var pairs: [(Int, Int)] = []
        while pairs.count < wanted {
            let order = Tensor.permutation(count, random: random).integers()
            pairs += stride(from: 0, to: count - 1, by: 2).map { (order[$0], order[$0 + 1]) }
        }
        return Array(pairs.prefix(wanted))
    }

    /// Standard error of the mean; pairs that share a picture vary together (Aronow, Samii and Assenova 2015).
    private static func error(_ distances: [Double], _ pairs: [(Int, Int)], of count: Int) -> Double {
        guard distances.count > 1 else { return .nan }
        let mean = distances.reduce(0, +) / Double(distances.count)
        var sums = [Double](repeating: 0, count: count)
        var alone = 0.0
        for (distance, pair) in zip(distances, pairs) {
            sums[pair.0] += distance - mean
            sums[pair.1] += distance - mean
            alone += (distance - mean) * (distance - mean)
        }
        // Each pair is in two pictures' sums; never less than if all pairs were independent.
        let together = max(alone, sums.reduce(0) { $0 + $1 * $1 } - alone)
        return together.squareRoot() / Double(distances.count)
    }
}
