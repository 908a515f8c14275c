import Torch

/// The unbiased squared maximum mean discrepancy of features [N, D] under the kernel (x y / D + 1)^3 (Bińkowski et al. 2018).
///
/// On features of Inception it is called KID. Its mean does not depend on the number of pictures; it may fall below zero.
public enum KernelDistance {
    /// Rows of both sets that are compared with each other.
    public struct Subset: Sendable {
        public var first: [Int]
        public var second: [Int]

        public init(first: [Int], second: [Int]) { (self.first, self.second) = (first, second) }
    }

    /// The distance between all rows of both sets; each needs two.
    public static func between(_ a: Tensor, _ b: Tensor) -> Double {
        withoutGradients {
            precondition(
                a.rank == 2 && b.rank == 2 && a.shape[1] == b.shape[1] && min(a.shape[0], b.shape[0]) > 1,
                "KernelDistance: expected [N, D] and [M, D], got \(a.summary) and \(b.summary)")
            let (x, y) = (a.to(.float64), b.to(a.device, .float64))
            let (n, m) = (Double(x.shape[0]), Double(y.shape[0]))
            func own(_ rows: Tensor, _ count: Double) -> Double {
                let kernel = kernel(rows, rows)
                return (kernel.sum() - kernel.diagonal().sum()).item() / (count * (count - 1))
            }
            return own(x, n) + own(y, m) - 2 * kernel(x, y).sum().item() / (n * m)
        }
    }

    private static func kernel(_ x: Tensor, _ y: Tensor) -> Tensor {
        (x.matmul(y.transposed(0, 1)) / Double(x.shape[1]) + 1).pow(3)
    }

    /// The mean distance over given subsets.
    public static func between(_ a: Tensor, _ b: Tensor, subsets: [Subset]) -> Double {
        distances(a, b, subsets).reduce(0, +) / Double(subsets.count)
    }

    /// The mean distance over random subsets, with its interval.
    /// - Parameters:
    ///   - size: rows in a subset, at most half of the smaller set.
    ///   - seed: of the subsets.
    public static func estimate(
        _ a: Tensor, _ b: Tensor, subsets: Int = 100, size: Int = 1000, seed: UInt64 = 0
    ) -> Estimate {
        let fewest = min(a.shape[0], b.shape[0])
        precondition(fewest > 3 && subsets > 1, "KernelDistance: expected two subsets of two rows")
        let size = min(size, fewest / 2)
        let random = RandomSource(seed: seed)
        let chosen = (0..<subsets).map { _ in
            Subset(
                first: Draws.some(size, of: a.shape[0], random).integers(),
                second: Draws.some(size, of: b.shape[0], random).integers())
        }
        let (mean, deviation) = Estimate.moments(distances(a, b, chosen))
        // Subsets of one set share pictures. With s^2 the variance between them, that of a subset of fresh pictures
        // is s^2 / (1 - size / N); the part that all share is size / N of it, however many subsets there are.
        let share = Double(size) / Double(fewest)
        let error = deviation * (share / (1 - share) + 1 / Double(subsets)).squareRoot()
        return Estimate(value: mean, error: error)
    }

    private static func distances(_ a: Tensor, _ b: Tensor, _ subsets: [Subset]) -> [Double] {
        subsets.map { subset in
            between(
                a.indexSelect(0, Tensor(subset.first).to(a.device)),
                b.indexSelect(0, Tensor(subset.second).to(b.device)))
        }
    }
}
