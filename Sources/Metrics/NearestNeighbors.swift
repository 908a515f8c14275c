import Torch

/// The most similar pictures of a reference, and whether they were copied.
public enum NearestNeighbors {
    /// The reference's nearest picture for each judged one.
    public struct Matches: Sendable, Equatable {
        /// Rows of the reference.
        public let indices: [Int]
        /// Euclidean distances of the features.
        public let distances: [Double]
    }

    /// How near judged pictures come to the reference, measured by how near its own pictures come to each other.
    public struct Memorisation: Sendable {
        public let matches: Matches
        /// Of each judged picture: the share of the reference's pictures that have a nearer neighbor among the others.
        public let quantiles: [Double]
        /// The share of judged pictures below the 1 % quantile; about 0.01 for real pictures that the reference lacks.
        public let copied: Estimate
    }

    /// Finds the nearest of `reference` [M, D] for each row of `judged` [N, D], block by block.
    public static func find(_ judged: Tensor, in reference: Tensor) -> Matches {
        matches(judged, reference, leavingOut: false)
    }

    /// Compares distances to the nearest of the reference with those within it, each picture left out once.
    public static func memorisation(judged: Tensor, reference: Tensor) -> Memorisation {
        precondition(
            reference.shape[0] > 1, "memorisation: expected a reference, got \(reference.summary)")
        let matches = find(judged, in: reference)
        let within = Self.matches(reference, reference, leavingOut: true).distances.sorted()
        let quantiles = matches.distances.map { distance in
            Double(within.partitioningIndex { $0 >= distance }) / Double(within.count)
        }
        return Memorisation(
            matches: matches, quantiles: quantiles, copied: copied(quantiles, reference: within.count))
    }

    /// The share below the 1 % quantile; its interval holds the noise of the judged set and that of the quantile.
    private static func copied(_ quantiles: [Double], reference: Int) -> Estimate {
        let limit = 0.01
        func share(_ limit: Double) -> Double {
            Double(quantiles.count { $0 < limit }) / Double(quantiles.count)
        }
        let value = share(limit)
        // The nearest pictures of a set are each other's neighbors: half of the distances are new.
        let limits = Estimate.wilson(limit, of: Double(reference) / 2)
        let interval = Estimate.joined(
            value, Estimate.wilson(value, of: Double(quantiles.count)),
            share(limits.lowerBound)...share(limits.upperBound))
        return Estimate(
            value: value, interval: max(0, interval.lowerBound)...min(1, interval.upperBound),
            notes: reference < 100 ? ["fewer than 100 reference pictures: only the nearest pair counts"] : [])
    }

    /// - Parameter leavingOut: both sets are one; a picture is not its own neighbor.
    private static func matches(_ judged: Tensor, _ reference: Tensor, leavingOut: Bool) -> Matches {
        var (indices, distances): ([Int], [Double]) = ([], [])
        SquaredDistances.forEachBlock(judged, reference) { range, squares in
            if leavingOut {
                squares.narrow(1, start: range.lowerBound, length: range.count).diagonal().fill_(.infinity)
            }
            let nearest = squares.smallest(1, 1).indices.squeezed(1)
            indices += nearest.integers()
            // Once more from the features themselves: a copy is at zero exactly.
            let rows = judged[range].to(reference.device, .float64)
            distances += (rows - reference.indexSelect(0, nearest).to(.float64)).norm([1]).doubles()
        }
        return Matches(indices: indices, distances: distances)
    }
}

extension Array where Element == Double {
    /// The first index at which a condition holds that holds from there on.
    fileprivate func partitioningIndex(_ holds: (Double) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Squared Euclidean distances between all rows of two sets, block by block: memory stays bounded.
enum SquaredDistances {
    /// Elements of a block.
    static let blockSize = 1 << 23

    /// Gives `body` the squares [rows, M] of the distances between some rows of `x` [N, D] and all of `y` [M, D].
    static func forEachBlock(_ x: Tensor, _ y: Tensor, _ body: (Range<Int>, Tensor) -> Void) {
        precondition(
            x.rank == 2 && y.rank == 2 && x.shape[1] == y.shape[1],
            "distances: expected [N, D] and [M, D], got \(x.summary) and \(y.summary)")
        withoutGradients {
            // In double precision and near zero: the squares are differences of larger numbers.
            let center = y.to(.float64).mean([0])
            let all = y.to(.float64) - center
            let lengths = all.square().sum([1])
            let across = all.transposed(0, 1)
            let step = max(1, blockSize / max(1, y.shape[0]))
            for start in stride(from: 0, to: x.shape[0], by: step) {
                let range = start..<min(x.shape[0], start + step)
                let rows = x[range].to(y.device, .float64) - center
                let squares = rows.matmul(across)
                squares.multiply_(-2)
                squares.add_(lengths)
                squares.add_(rows.square().sum([1], keep: true))
                body(range, squares)
            }
        }
    }
}

/// How much of what was made looks real, and how much of what is real was made.
///
/// The shape of a set is taken to be balls around its features [N, D] that reach to the k-th neighbor. The intervals
/// are of other pictures judged by the same balls.
public struct PrecisionRecall: Sendable, Equatable {
    /// Share of judged pictures in a ball of the reference (Kynkäänniemi et al. 2019).
    public let precision: Estimate
    /// Share of the reference in a ball of the judged pictures (Kynkäänniemi et al. 2019).
    public let recall: Estimate
    /// Mean number of the reference's balls around a judged picture, over k; 1 for equal sets (Naeem et al. 2020).
    public let density: Estimate
    /// Share of the reference's balls with a judged picture inside (Naeem et al. 2020).
    public let coverage: Estimate

    /// Compares features [N, D] with those of the reference [M, D], block by block.
    /// - Parameters:
    ///   - neighbors: k of precision and recall.
    ///   - densityNeighbors: k of density and coverage.
    public init(judged: Tensor, reference: Tensor, neighbors: Int = 3, densityNeighbors: Int = 5) {
        let (made, real) = (judged.shape[0], reference.shape[0])
        let most = max(neighbors, densityNeighbors)
        precondition(
            min(neighbors, densityNeighbors) > 0 && real > most && made > neighbors,
            "PrecisionRecall: expected more pictures than neighbors, got \(made) and \(real)")
        let realRadii = Self.radii(reference, [neighbors, densityNeighbors])
        let madeRadii = Self.radii(judged.to(reference.device), [neighbors])[0]
        var precise = 0
        var balls: [Double] = []
        // Of each real picture: whether it is in a ball, and the distance to what was made.
        var found: Tensor?
        var nearest: Tensor?
        SquaredDistances.forEachBlock(judged, reference) { range, squares in
            precise += squares.lessOrEqual(to: realRadii[0]).any(1).sum().integers()[0]
            // Strictly inside, unlike above: as their authors count.
            balls += squares.less(than: realRadii[1]).sum([1]).doubles()
            let hits = squares.lessOrEqual(to: madeRadii[range].unsqueezed(1)).any(0).to(.uint8)
            let minima = squares.smallest(1, 0).values[0]
            found = found?.maximum(hits) ?? hits
            nearest = nearest?.minimum(minima) ?? minima
        }
        let recalled = found?.to(.int64).sum().integers()[0] ?? 0
        let covered = nearest?.less(than: realRadii[1]).sum().integers()[0] ?? 0
        precision = Estimate(share: precise, of: made)
        recall = Estimate(share: recalled, of: real)
        density = Estimate(meanOf: balls.map { $0 / Double(densityNeighbors) })
        coverage = Estimate(share: covered, of: real)
    }

    /// Squared distances [N] of features to their k-th neighbors, for each k.
    private static func radii(_ features: Tensor, _ ks: [Int]) -> [Tensor] {
        var blocks: [[Tensor]] = ks.map { _ in [] }
        SquaredDistances.forEachBlock(features, features) { _, squares in
            // The first is the picture itself.
            let nearest = squares.smallest((ks.max() ?? 0) + 1, 1).values
            for (index, k) in ks.enumerated() { blocks[index].append(nearest.select(1, k)) }
        }
        return blocks.map { Tensor.concatenated($0) }
    }
}

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
