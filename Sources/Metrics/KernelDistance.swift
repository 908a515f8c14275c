import Torch

/// Unbiased squared maximum mean discrepancy with the kernel (x · y / D + 1)^3 (Bińkowski et al. 2018).
///
/// With the pool features of Inception v3 it is called KID. Its expectation does not depend on the number of pictures.
/// Lower is better; values may be negative.
public enum KernelDistance {
    /// Rows of the two sets that are compared with each other.
    public struct Subset: Sendable {
        /// Rows of the first set.
        public var first: [Int]
        /// Rows of the second set.
        public var second: [Int]

        /// Creates a subset from rows of both sets.
        public init(first: [Int], second: [Int]) { (self.first, self.second) = (first, second) }
    }

    /// Distance between features `a` [N, D] and `b` [M, D]; N and M are 2 or more.
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

    /// Kernel matrix [N, M] of rows [N, D] and [M, D].
    private static func kernel(_ x: Tensor, _ y: Tensor) -> Tensor {
        (x.matmul(y.transposed(0, 1)) / Double(x.shape[1]) + 1).pow(3)
    }

    /// Mean distance over given subsets of features `a` [N, D] and `b` [M, D].
    public static func between(_ a: Tensor, _ b: Tensor, subsets: [Subset]) -> Double {
        distances(a, b, subsets).reduce(0, +) / Double(subsets.count)
    }

    /// Mean distance over random subsets, with its interval.
    /// - Parameters:
    ///   - a: features [N, D].
    ///   - b: features [M, D].
    ///   - subsets: number of subsets.
    ///   - size: rows per subset; at most half of the smaller set are used.
    ///   - seed: seed of the subsets.
    public static func estimate(
        _ a: Tensor, _ b: Tensor, subsets: Int = 100, size: Int = 1000, seed: UInt64 = 0
    ) -> Estimate {
        let fewest = min(a.shape[0], b.shape[0])
        precondition(
            fewest > 3 && subsets > 1,
            "KernelDistance: expected 4 or more rows and 2 or more subsets, got \(fewest) rows and \(subsets) subsets"
        )
        let size = min(size, fewest / 2)
        let random = RandomSource(seed: seed)
        let chosen = (0..<subsets).map { _ in
            Subset(
                first: RandomIndices.withoutReplacement(size, of: a.shape[0], random).integers(),
                second: RandomIndices.withoutReplacement(size, of: b.shape[0], random).integers())
        }
        let (mean, deviation) = Estimate.moments(distances(a, b, chosen))
        // Subsets of one set share pictures. If s^2 is the variance between subsets, the variance of a subset of other
        // pictures is s^2 / (1 - size / N). The fraction size / N of it does not decrease with the number of subsets.
        let fraction = Double(size) / Double(fewest)
        let error = deviation * (fraction / (1 - fraction) + 1 / Double(subsets)).squareRoot()
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
