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
