import Torch

/// Nearest neighbors in a reference set, and a test for memorization.
public enum NearestNeighbors {
    /// Nearest reference picture of each evaluated picture.
    public struct Matches: Sendable, Equatable {
        /// Rows of the reference.
        public let indices: [Int]
        /// Euclidean distances between the features.
        public let distances: [Double]
    }

    /// Distances to the nearest reference picture, compared with the distances within the reference.
    public struct Memorization: Sendable {
        /// Nearest reference picture of each evaluated picture.
        public let matches: Matches
        /// Fraction of reference pictures, for each evaluated picture, that are closer to another reference picture.
        public let quantiles: [Double]
        /// Fraction of evaluated pictures below the 1 % quantile; about 0.01 for other pictures of the distribution.
        public let copied: Estimate
    }

    /// Finds the nearest row of `reference` [M, D] for each row of `evaluated` [N, D].
    ///
    /// Distances are computed in blocks, so memory is bounded.
    public static func find(_ evaluated: Tensor, in reference: Tensor) -> Matches {
        NeighborIndex(reference).nearest(to: evaluated)
    }

    /// Compares the distances from evaluated to reference pictures with leave-one-out distances within the reference.
    /// - Parameters:
    ///   - evaluated: features [N, D].
    ///   - reference: features [M, D] of the training set, M of 2 or more.
    public static func memorization(evaluated: Tensor, reference: Tensor) -> Memorization {
        precondition(
            reference.shape[0] > 1,
            "memorization: expected 2 or more reference pictures, got \(reference.summary)")
        let index = NeighborIndex(reference)
        let matches = index.nearest(to: evaluated)
        let within = index.distancesWithin()
        let quantiles = matches.distances.map { within.quantile(of: $0) }
        return Memorization(
            matches: matches, quantiles: quantiles, copied: copied(quantiles, reference: within.values.count))
    }

    /// Fraction below the 1 % quantile. The interval includes the errors of the evaluated set and of the quantile.
    private static func copied(_ quantiles: [Double], reference: Int) -> Estimate {
        let limit = 0.01
        func fraction(_ limit: Double) -> Double {
            Double(quantiles.count { $0 < limit }) / Double(quantiles.count)
        }
        let value = fraction(limit)
        // Nearest neighbors are often mutual, so about half of the distances are independent.
        let limits = Estimate.wilson(limit, of: Double(reference) / 2)
        let interval = Estimate.combinedInterval(
            value, Estimate.wilson(value, of: Double(quantiles.count)),
            fraction(limits.lowerBound)...fraction(limits.upperBound))
        return Estimate(
            value: value, interval: max(0, interval.lowerBound)...min(1, interval.upperBound),
            notes: reference < 100
                ? ["fewer than 100 reference pictures: the 1 % quantile is the smallest distance"] : [])
    }
}

/// Index of a reference set for repeated searches of nearest neighbors.
public struct NeighborIndex {
    /// Ascending leave-one-out distances of the reference pictures to their nearest neighbors.
    public struct Distances: Sendable, Equatable {
        /// Distances, ascending.
        public let values: [Double]

        /// Fraction of the values below a distance, 0...1.
        public func quantile(of distance: Double) -> Double {
            Double(values.partitioningIndex { $0 >= distance }) / Double(values.count)
        }

        /// Distance below which a fraction of the values lie. The fraction is 0...1.
        public func distance(atQuantile fraction: Double) -> Double {
            precondition(
                (0...1).contains(fraction), "Distances: expected a fraction in 0...1, got \(fraction)")
            return values[min(values.count - 1, Int(fraction * Double(values.count)))]
        }
    }

    private let reference: Tensor
    private let squares: SquaredDistances

    /// - Parameter reference: features [M, D].
    public init(_ reference: Tensor) {
        self.reference = reference
        squares = SquaredDistances(to: reference)
    }

    /// Finds the nearest reference row for each row of features [N, D].
    ///
    /// Distances are computed in blocks, so memory is bounded.
    public func nearest(to evaluated: Tensor) -> NearestNeighbors.Matches {
        matches(evaluated, leavingOut: false)
    }

    /// Leave-one-out distances within the reference, which has 2 or more rows.
    /// - Parameter limit: largest number of rows, evenly spaced, whose neighbors are searched; nil for all.
    public func distancesWithin(limit: Int? = nil) -> Distances {
        let count = reference.shape[0]
        precondition(
            count > 1 && (limit ?? 1) > 0,
            "NeighborIndex: expected 2 or more reference pictures, got \(reference.summary)")
        guard let limit, limit < count else {
            return Distances(values: matches(reference, leavingOut: true).distances.sorted())
        }
        let rows = (0..<limit).map { $0 * count / limit }
        let chosen = reference.indexSelect(0, Tensor(rows).to(reference.device))
        var distances: [Double] = []
        squares.forEachBlock(of: chosen) { range, squares in
            // One of the two nearest rows is the row itself, unless it has two copies.
            let nearest = squares.smallest(2, 1).indices.integers()
            let others = range.enumerated().map { place, row in
                nearest[2 * place] == rows[row] ? nearest[2 * place + 1] : nearest[2 * place]
            }
            let found = reference.indexSelect(0, Tensor(others).to(reference.device)).to(.float64)
            distances += (chosen[range].to(.float64) - found).norm([1]).doubles()
        }
        return Distances(values: distances.sorted())
    }

    /// - Parameter leavingOut: whether both sets are the same; a picture is then not its own neighbor.
    private func matches(_ evaluated: Tensor, leavingOut: Bool) -> NearestNeighbors.Matches {
        var (indices, distances): ([Int], [Double]) = ([], [])
        squares.forEachBlock(of: evaluated) { range, squares in
            if leavingOut {
                squares.narrow(1, start: range.lowerBound, length: range.count).diagonal().fill_(.infinity)
            }
            let nearest = squares.smallest(1, 1).indices.squeezed(1)
            indices += nearest.integers()
            // Recomputed from the features, so that the distance of a copy is exactly zero.
            let rows = evaluated[range].to(reference.device, .float64)
            distances += (rows - reference.indexSelect(0, nearest).to(.float64)).norm([1]).doubles()
        }
        return NearestNeighbors.Matches(indices: indices, distances: distances)
    }
}

extension Array where Element == Double {
    /// First index at which a monotonic condition holds, by binary search; `count` if it never does.
    fileprivate func partitioningIndex(_ holds: (Double) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Squared Euclidean distances of rows to all rows of a set, in blocks of bounded size.
struct SquaredDistances {
    /// Maximum number of elements in a block.
    static let blockSize = 1 << 23

    // Double precision and centered features, because the result is a difference of larger numbers.
    private let center: Tensor
    private let lengths: Tensor
    private let across: Tensor

    /// Prepares a set of features [M, D].
    init(to y: Tensor) {
        precondition(y.rank == 2, "squared distances: expected [M, D], got \(y.summary)")
        (center, lengths, across) = withoutGradients {
            let center = y.to(.float64).mean([0])
            let all = y.to(.float64) - center
            return (center, all.square().sum([1]), all.transposed(0, 1))
        }
    }

    /// Calls `body` with a range of rows of `x` [N, D] and their squared distances [range.count, M].
    func forEachBlock(of x: Tensor, _ body: (Range<Int>, Tensor) -> Void) {
        precondition(
            x.rank == 2 && x.shape[1] == center.shape[0],
            "squared distances: expected [N, \(center.shape[0])], got \(x.summary)")
        withoutGradients {
            let step = max(1, Self.blockSize / max(1, lengths.shape[0]))
            for start in stride(from: 0, to: x.shape[0], by: step) {
                let range = start..<min(x.shape[0], start + step)
                let rows = x[range].to(center.device, .float64) - center
                let squares = rows.matmul(across)
                squares.multiply_(-2)
                squares.add_(lengths)
                squares.add_(rows.square().sum([1], keep: true))
                body(range, squares)
            }
        }
    }

    /// Calls `body` with a range of rows of `x` [N, D] and their squared distances [range.count, M] to `y` [M, D].
    static func forEachBlock(_ x: Tensor, _ y: Tensor, _ body: (Range<Int>, Tensor) -> Void) {
        SquaredDistances(to: y).forEachBlock(of: x, body)
    }
}

/// Precision, recall, density and coverage of generated pictures.
///
/// The manifold of a set is the union of balls around its features that reach to the k-th nearest neighbor. The
/// intervals are for other pictures with the same manifolds.
public struct PrecisionRecall: Sendable, Equatable {
    /// Fraction of evaluated pictures on the reference manifold (Kynkäänniemi et al. 2019).
    public let precision: Estimate
    /// Fraction of reference pictures on the manifold of the evaluated pictures (Kynkäänniemi et al. 2019).
    public let recall: Estimate
    /// Mean number of reference balls that contain an evaluated picture, divided by k; 1 for equal sets (Naeem et
    /// al. 2020).
    public let density: Estimate
    /// Fraction of reference balls that contain an evaluated picture (Naeem et al. 2020).
    public let coverage: Estimate

    /// Compares two sets of features, in blocks of bounded size.
    /// - Parameters:
    ///   - evaluated: features [N, D].
    ///   - reference: features [M, D].
    ///   - neighbors: k of precision and recall.
    ///   - densityNeighbors: k of density and coverage.
    public init(evaluated: Tensor, reference: Tensor, neighbors: Int = 3, densityNeighbors: Int = 5) {
        let (made, real) = (evaluated.shape[0], reference.shape[0])
        let most = max(neighbors, densityNeighbors)
        precondition(
            min(neighbors, densityNeighbors) > 0 && real > most && made > neighbors,
            "PrecisionRecall: expected more pictures than neighbors, got \(made) and \(real)")
        let realRadii = Self.radii(reference, [neighbors, densityNeighbors])
        let madeRadii = Self.radii(evaluated.to(reference.device), [neighbors])[0]
        var precise = 0
        var balls: [Double] = []
        // For each reference picture: whether a ball contains it, and the squared distance to the nearest evaluated
        // picture.
        var found: Tensor?
        var nearest: Tensor?
        SquaredDistances.forEachBlock(evaluated, reference) { range, squares in
            precise += squares.lessOrEqual(to: realRadii[0]).any(1).sum().integers()[0]
            // Strictly less, unlike precision, as in the authors' code.
            balls += squares.less(than: realRadii[1]).sum([1]).doubles()
            let hits = squares.lessOrEqual(to: madeRadii[range].unsqueezed(1)).any(0).to(.uint8)
            let minima = squares.smallest(1, 0).values[0]
            found = found?.maximum(hits) ?? hits
            nearest = nearest?.minimum(minima) ?? minima
        }
        let recalled = found?.to(.int64).sum().integers()[0] ?? 0
        let covered = nearest?.less(than: realRadii[1]).sum().integers()[0] ?? 0
        precision = Estimate(proportion: precise, of: made)
        recall = Estimate(proportion: recalled, of: real)
        density = Estimate(meanOf: balls.map { $0 / Double(densityNeighbors) })
        coverage = Estimate(proportion: covered, of: real)
    }

    /// Squared distances [N] from features [N, D] to their k-th nearest neighbors, for each k.
    private static func radii(_ features: Tensor, _ ks: [Int]) -> [Tensor] {
        var blocks: [[Tensor]] = ks.map { _ in [] }
        SquaredDistances.forEachBlock(features, features) { _, squares in
            // The nearest is the picture itself.
            let nearest = squares.smallest((ks.max() ?? 0) + 1, 1).values
            for (index, k) in ks.enumerated() { blocks[index].append(nearest.select(1, k)) }
        }
        return blocks.map { Tensor.concatenated($0) }
    }
}

/// Diversity of the pictures of one set.
public enum Diversity {
    /// Mean distance of random pairs; zero for a collapsed generator.
    ///
    /// Values are comparable only with the same distance and picture size.
    /// - Parameters:
    ///   - pictures: pictures or features, [N, ...].
    ///   - pairs: number of pairs. Every picture occurs once before any occurs twice.
    ///   - batchSize: pairs per call of `distance`.
    ///   - seed: seed of the pairs.
    ///   - distance: distances [n] between corresponding pictures of two batches [n, ...].
    public static func estimate(
        _ pictures: Tensor, pairs: Int = 1000, batchSize: Int = 32, seed: UInt64 = 0,
        distance: (Tensor, Tensor) -> Tensor
    ) -> Estimate {
        let count = pictures.shape[0]
        precondition(
            count > 1 && pairs > 0,
            "Diversity: expected 2 or more pictures and 1 or more pairs, got \(pictures.summary) and \(pairs) pairs"
        )
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

    /// Pairs of consecutive pictures in random permutations of 0..<count.
    static func pairs(_ wanted: Int, of count: Int, seed: UInt64) -> [(Int, Int)] {
        let random = RandomSource(seed: seed)
        var pairs: [(Int, Int)] = []
        while pairs.count < wanted {
            let order = Tensor.permutation(count, random: random).integers()
            pairs += stride(from: 0, to: count - 1, by: 2).map { (order[$0], order[$0 + 1]) }
        }
        return Array(pairs.prefix(wanted))
    }

    /// Standard error of the mean of dyadic data, in which pairs that share a picture correlate (Aronow et al. 2015).
    private static func error(_ distances: [Double], _ pairs: [(Int, Int)], of count: Int) -> Double {
        guard distances.count > 1 else { return .nan }
        let mean = distances.reduce(0, +) / Double(distances.count)
        var sums = [Double](repeating: 0, count: count)
        var independent = 0.0
        for (distance, pair) in zip(distances, pairs) {
            sums[pair.0] += distance - mean
            sums[pair.1] += distance - mean
            independent += (distance - mean) * (distance - mean)
        }
        // The sums of two pictures contain each pair. The variance is at least that of independent pairs.
        let variance = max(independent, sums.reduce(0) { $0 + $1 * $1 } - independent)
        return variance.squareRoot() / Double(distances.count)
    }
}
