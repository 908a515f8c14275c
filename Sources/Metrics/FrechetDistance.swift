import Torch

/// Squared Fréchet distance between the features of two sets, assuming normal distributions (Heusel et al. 2017).
///
/// |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^(1/2) S2 S1^(1/2))^(1/2)) for means m and covariances S. With the pool
/// features of Inception v3 it is called FID. Lower is better.
public enum FrechetDistance {
    /// Distance between two sets of moments; NaN if features were infinite or NaN.
    public static func between(_ a: FeatureMoments, _ b: FeatureMoments) -> Double {
        withoutGradients { Gaussian(a).distance(to: Gaussian(b)) }
    }

    /// Distance with its interval and its extrapolation to an infinite number of pictures.
    ///
    /// The interval comes from a bootstrap over the samples, the extrapolation from subsets of them. A set without a
    /// sample
    /// counts as exact, as published statistics do. Without any sample the result is the value alone.
    /// - Parameters:
    ///   - a: moments of the first set.
    ///   - b: moments of the second set.
    ///   - sampleA: all or part of the features [N, D] of the first set.
    ///   - sampleB: all or part of the features [M, D] of the second set.
    ///   - resamples: number of bootstrap samples; the default is 100, or 20 for more than 512 features.
    ///   - seed: seed of the random numbers.
    public static func estimate(
        _ a: FeatureMoments, _ b: FeatureMoments, sampleA: Tensor? = nil, sampleB: Tensor? = nil,
        resamples: Int? = nil, seed: UInt64 = 0
    ) -> Estimate {
        withoutGradients {
            let value = between(a, b)
            var notes = notes(a, b)
            guard value.isFinite else {
                return Estimate(value: value, notes: notes + ["some features are infinite or NaN"])
            }
            guard sampleA != nil || sampleB != nil else { return Estimate(value: value, notes: notes) }
            if sampleA == nil || sampleB == nil {
                notes.append(
                    "one set counts as exact: the interval contains the sampling noise of the other set only")
            }
            let sampling = FrechetSampling(
                first: .init(sampleA, else: a), second: .init(sampleB, else: b), random: .init(seed: seed))
            let limit = sampling.limit(parts: a.dimension > 512 ? 3 : 4)
            if limit.isRough {
                notes.append("subsets have fewer pictures than features: the extrapolation is inaccurate")
            }
            return Estimate(
                value: value, error: sampling.error(resamples: resamples ?? (a.dimension > 512 ? 20 : 100)),
                atInfinity: limit.value, notes: notes)
        }
    }

    /// Warnings about sets that are too small.
    private static func notes(_ a: FeatureMoments, _ b: FeatureMoments) -> [String] {
        let fewest = min(a.count, b.count)
        var notes: [String] = []
        if fewest < 2048 { notes.append("fewer than 2,048 pictures: the distance has a large positive bias") }
        if fewest <= a.dimension {
            notes.append("fewer pictures than features: the covariance is not of full rank")
        }
        return notes
    }
}

/// Sampling error and bias of the Fréchet distance.
struct FrechetSampling {
    /// One set of pictures.
    enum Side {
        /// A set without a sample, given by its moments.
        case exact(Gaussian)
        /// A sample of features [N, D].
        case rows(Tensor)

        init(_ sample: Tensor?, else moments: FeatureMoments) {
            guard let sample else {
                self = .exact(Gaussian(moments))
                return
            }
            precondition(
                sample.rank == 2 && sample.shape[0] > 1 && sample.shape[1] == moments.dimension,
                "FrechetDistance: expected a sample [N, \(moments.dimension)], got \(sample.summary)")
            self = .rows(sample.detached().to(moments.device))
        }
    }

    let first: Side
    let second: Side
    let random: RandomSource

    /// Standard error of the distance from a bootstrap.
    ///
    /// A bootstrap sample has fewer distinct pictures, so its distance has a larger bias. Quantiles of the distances
    /// would
    /// contain that bias; their standard deviation does not.
    func error(resamples: Int) -> Double {
        let distances = (0..<resamples).map { _ in
            Self.distance(first.map { $0.resampled(random) }, second.map { $0.resampled(random) })
        }
        return Estimate.moments(distances).deviation
    }

    /// Distance extrapolated to an infinite number of pictures (Chong and Forsyth 2020).
    ///
    /// A line is fitted to the mean distance of halves, thirds and so on as a function of 1 / (pictures in a part).
    /// Each
    /// partition uses every picture once, which has a lower variance than one subset of each size.
    /// - Parameter most: number of parts of the finest partition.
    /// - Returns: the intercept, NaN for tiny sets; `isRough` if the smallest parts have no more pictures than
    ///   features.
    func limit(parts most: Int) -> (value: Double, isRough: Bool) {
        let fewest = min(first.count, second.count)
        let counts = (1...most).filter { fewest / $0 > 1 }
        guard counts.count > 1 else { return (.nan, true) }
        let means = counts.map { count in
            let parts = zip(first.parts(count, random), second.parts(count, random))
            return parts.reduce(0) { $0 + Self.distance($1.0, $1.1) } / Double(count)
        }
        let center = Double(counts.reduce(0, +)) / Double(counts.count)
        let level = means.reduce(0, +) / Double(means.count)
        var (along, square) = (0.0, 0.0)
        for (count, mean) in zip(counts, means) {
            along += (Double(count) - center) * (mean - level)
            square += (Double(count) - center) * (Double(count) - center)
        }
        return (level - along / square * center, fewest / counts.count <= dimension)
    }

    private var dimension: Int {
        switch first {
        case .exact(let gaussian): gaussian.mean.count
        case .rows(let rows): rows.shape[1]
        }
    }

    private static func distance(_ a: Side, _ b: Side) -> Double {
        if case .rows(let x) = a, case .rows(let y) = b, max(x.shape[0], y.shape[0]) <= x.shape[1] {
            return distance(fewRows: x, y)
        }
        return a.gaussian.distance(to: b.gaussian)
    }

    /// Distance of samples [N, D] and [M, D] with at most D rows.
    ///
    /// The trace term equals the sum of the singular values of X Y^T [N, M] for centered, scaled samples X and Y, which
    /// avoids matrices [D, D].
    private static func distance(fewRows x: Tensor, _ y: Tensor) -> Double {
        func deviations(_ rows: Tensor) -> Tensor {
            (rows - rows.mean([0])) / Double(rows.shape[0] - 1).squareRoot()
        }
        let (x, y) = (x.to(.float64), y.to(x.device, .float64))
        let (a, b) = (deviations(x), deviations(y))
        let traces = a.square().sum().item() + b.square().sum().item()
        let shift = (x.mean([0]) - y.mean([0])).square().sum().item()
        return shift + traces - 2 * a.matmul(b.transposed(0, 1)).singularValues().sum().item()
    }
}

extension FrechetSampling.Side {
    /// Normal distribution with the moments of the set.
    var gaussian: Gaussian {
        switch self {
        case .exact(let gaussian): gaussian
        case .rows(let rows): Gaussian(FeatureMoments(of: rows))
        }
    }

    /// Number of pictures in the sample; `Int.max` for an exact set.
    var count: Int {
        switch self {
        case .exact: .max
        case .rows(let rows): rows.shape[0]
        }
    }

    /// Applies `change` to the sample; an exact set is unchanged.
    func map(_ change: (Tensor) -> Tensor) -> Self {
        switch self {
        case .exact: self
        case .rows(let rows): .rows(change(rows))
        }
    }

    /// Random partition of the rows into `count` parts of equal size.
    func parts(_ count: Int, _ random: RandomSource) -> [Self] {
        guard case .rows(let rows) = self, count > 1 else { return Array(repeating: self, count: count) }
        let order = Tensor.permutation(rows.shape[0], random: random).to(rows.device)
        let size = rows.shape[0] / count
        return (0..<count).map { .rows(rows.indexSelect(0, order[($0 * size)..<(($0 + 1) * size)])) }
    }
}

extension Tensor {
    /// Bootstrap sample: as many rows, drawn with replacement; same shape.
    func resampled(_ random: RandomSource) -> Tensor {
        indexSelect(0, RandomIndices.withReplacement(shape[0], random).to(device))
    }
}

/// Streaming mean and covariance of features, in double precision. Memory use does not depend on the number of
/// pictures.
///
/// Batches are merged with the stable update of Chan, Golub and LeVeque (1983).
public final class FeatureMoments {
    /// Number of features per picture, D.
    public let dimension: Int
    /// Number of pictures.
    public private(set) var count = 0
    /// Mean, Double [D].
    public private(set) var mean: Tensor
    /// Sum of the outer products of the deviations from the mean, Double [D, D].
    private let scatter: Tensor

    private static let rowsAtOnce = 4096

    /// Creates the moments of no pictures.
    public init(dimension: Int, device: Device = .cpu) {
        precondition(dimension > 0, "FeatureMoments: expected 1 feature or more, got \(dimension)")
        self.dimension = dimension
        mean = .zeros([dimension], dtype: .float64, on: device)
        scatter = .zeros([dimension, dimension], dtype: .float64, on: device)
    }

    /// Creates moments from saved values, to which `add` can add pictures.
    /// - Parameters:
    ///   - count: number of pictures n, 2 or more.
    ///   - mean: mean [D].
    ///   - covariance: unbiased covariance [D, D], with the divisor n - 1.
    public init(count: Int, mean: Tensor, covariance: Tensor) {
        precondition(
            count > 1 && mean.rank == 1 && covariance.shape == [mean.count, mean.count],
            "FeatureMoments: expected [D] and [D, D] of 2 or more pictures, got \(mean.summary) and "
                + "\(covariance.summary) of \(count)")
        (self.count, dimension) = (count, mean.count)
        self.mean = mean.detached().to(.float64)
        scatter = covariance.detached().to(.float64) * Double(count - 1)
    }

    /// Creates the moments of features [N, D].
    public convenience init(of features: Tensor) {
        self.init(dimension: features.shape[1], device: features.device)
        add(features)
    }

    /// Device of the sums.
    public var device: Device { mean.device }

    /// Unbiased covariance, Double [D, D], with the divisor n - 1. Traps with fewer than 2 pictures.
    public var covariance: Tensor {
        precondition(count > 1, "covariance: expected 2 or more pictures, got \(count)")
        return scatter / Double(count - 1)
    }

    /// Adds the features [N, D] of N pictures.
    public func add(_ features: Tensor) {
        precondition(
            features.rank == 2 && features.shape[1] == dimension,
            "FeatureMoments: expected [N, \(dimension)], got \(features.summary)")
        withoutGradients {
            for start in stride(from: 0, to: features.shape[0], by: Self.rowsAtOnce) {
                let end = min(features.shape[0], start + Self.rowsAtOnce)
                merge(features[start..<end].to(device, .float64))
            }
        }
    }

    private func merge(_ batch: Tensor) {
        let (before, size) = (Double(count), Double(batch.shape[0]))
        let batchMean = batch.mean([0])
        let shift = batchMean - mean
        let all = before + size
        // The shift of the mean contributes one more row of deviations.
        let weight = (before * size / all).squareRoot()
        let rows = Tensor.concatenated([batch - batchMean, (shift * weight).unsqueezed(0)])
        scatter.addMatmul_(rows.transposed(0, 1), rows)
        mean = mean + shift * (size / all)
        count += batch.shape[0]
    }
}

/// A multivariate normal distribution in double precision.
struct Gaussian {
    /// Mean, [D].
    let mean: Tensor
    /// Covariance, [D, D].
    let covariance: Tensor

    init(_ moments: FeatureMoments) {
        (mean, covariance) = (moments.mean, moments.covariance)
    }

    /// Squared Fréchet distance (Dowson and Landau 1982); NaN if a moment is not finite.
    func distance(to other: Gaussian) -> Double {
        precondition(
            mean.shape == other.mean.shape, "distance: expected \(mean.summary), got \(other.mean.summary)")
        let theirs = (mean: other.mean.to(mean.device), covariance: other.covariance.to(mean.device))
        let traces = (covariance.diagonal() + theirs.covariance.diagonal()).sum().item()
        let shift = (mean - theirs.mean).square().sum().item()
        // Off-diagonal elements are bounded by the diagonal, so the trace reveals every value that is not finite.
        guard traces.isFinite, shift.isFinite else { return .nan }
        return shift + traces - 2 * Self.rootTrace(covariance, theirs.covariance)
    }

    /// tr((A^(1/2) B A^(1/2))^(1/2)) of covariances [D, D].
    ///
    /// For any F with F F^T = A, the symmetric F^T B F has the same nonzero eigenvalues. A Cholesky factor F is many
    /// times
    /// faster than the eigenvectors of A, but exists only if A or B has full rank.
    private static func rootTrace(_ a: Tensor, _ b: Tensor) -> Double {
        let (factor, other): (Tensor, Tensor)
        if let triangle = a.cholesky() {
            (factor, other) = (triangle, b)
        } else if let triangle = b.cholesky() {
            (factor, other) = (triangle, a)
        } else if let root = root(a) {
            (factor, other) = (root, b)
        } else {
            return 0
        }
        let product = factor.transposed(0, 1).matmul(other).matmul(factor)
        // Rounding makes some zero eigenvalues slightly negative.
        return product.symmetricEigenvalues().clampedBelow(0).sqrt().sum().item()
    }

    /// Factor F [D, rank] of a matrix F F^T [D, D]; nil if the matrix is zero.
    private static func root(_ matrix: Tensor) -> Tensor? {
        let (values, vectors) = matrix.symmetricEigen()
        let size = values.count
        let largest = values[size - 1].item()
        guard largest > 0 else { return nil }
        // The square root would amplify rounding errors in zero eigenvalues, so they are left out.
        let threshold = largest * Double(size) * Double.ulpOfOne
        let rank = values.greater(than: threshold).sum().integers()[0]
        let kept = vectors.narrow(1, start: size - rank, length: rank)
        return kept * values[(size - rank)..<size].sqrt()
    }
}
