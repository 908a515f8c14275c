import Torch

/// The Fréchet distance between two sets of features, both taken for normal distributions (Heusel et al. 2017).
///
/// |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^(1/2) S2 S1^(1/2))^(1/2)). On features of Inception it is called FID.
public enum FrechetDistance {
    /// The distance; NaN if features were infinite or NaN.
    public static func between(_ a: FeatureMoments, _ b: FeatureMoments) -> Double {
        withoutGradients { Gaussian(a).distance(to: Gaussian(b)) }
    }

    /// The distance with its interval and its value at infinitely many pictures.
    ///
    /// Where a set's features are given they are drawn again, and cut, for both; a set without is taken for exact, as
    /// published statistics are. Without any, the estimate is the value alone.
    /// - Parameters:
    ///   - sampleA: features [N, D] behind the moments `a`, or as many of them as are at hand.
    ///   - sampleB: features [M, D] behind the moments `b`.
    ///   - resamples: how often the pictures are drawn again; by default 100, above 512 features 20.
    ///   - seed: of what is drawn.
    public static func estimate(
        _ a: FeatureMoments, _ b: FeatureMoments, sampleA: Tensor? = nil, sampleB: Tensor? = nil,
        resamples: Int? = nil, seed: UInt64 = 0
    ) -> Estimate {
        withoutGradients {
            let value = between(a, b)
            var notes = notes(a, b)
            guard value.isFinite else {
                return Estimate(value: value, notes: notes + ["features are infinite or not numbers"])
            }
            guard sampleA != nil || sampleB != nil else { return Estimate(value: value, notes: notes) }
            if sampleA == nil || sampleB == nil {
                notes.append("one set is taken for exact: the interval holds the other's noise alone")
            }
            let noise = FrechetNoise(
                first: .init(sampleA, else: a), second: .init(sampleB, else: b), random: .init(seed: seed))
            let limit = noise.limit(parts: a.dimension > 512 ? 3 : 4)
            if limit.isRough {
                notes.append("parts of the sets are smaller than the features: the limit is rough")
            }
            return Estimate(
                value: value, error: noise.error(resamples: resamples ?? (a.dimension > 512 ? 20 : 100)),
                atInfinity: limit.value, notes: notes)
        }
    }

    private static func notes(_ a: FeatureMoments, _ b: FeatureMoments) -> [String] {
        let fewest = min(a.count, b.count)
        var notes: [String] = []
        if fewest < 2048 { notes.append("fewer than 2,048 pictures: the distance is far too high") }
        if fewest <= a.dimension {
            notes.append("fewer pictures than features: the covariance has not full rank")
        }
        return notes
    }
}

/// What the Fréchet distance would be with other pictures, and with more.
struct FrechetNoise {
    /// A set of pictures.
    enum Side {
        /// Known by its moments alone.
        case exact(Gaussian)
        /// Features [N, D].
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

    /// Standard error of the distance, by a bootstrap.
    ///
    /// A set drawn again with replacement has fewer different pictures, so its distance lies above the one that it
    /// stands for. The quantiles of such distances would miss the value; their spread around their own mean is right.
    func error(resamples: Int) -> Double {
        let found = (0..<resamples).map { _ in
            Self.distance(first.map { $0.drawnAgain(random) }, second.map { $0.drawnAgain(random) })
        }
        return Estimate.moments(found).deviation
    }

    /// The distance at infinitely many pictures: a line through the mean distances of both sets' halves, thirds and
    /// so on against one over the share, where it meets zero (Chong and Forsyth 2020).
    ///
    /// Each share uses every picture once, which makes the means steadier than one subset of each size.
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

    /// With fewer pictures than features, the singular values of X YT are the roots that the traces of matrices as
    /// large as the features would give.
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

extension FrechetNoise.Side {
    var gaussian: Gaussian {
        switch self {
        case .exact(let gaussian): gaussian
        case .rows(let rows): Gaussian(FeatureMoments(of: rows))
        }
    }

    /// Pictures that can be drawn from; of an exact set, as many as one likes.
    var count: Int {
        switch self {
        case .exact: .max
        case .rows(let rows): rows.shape[0]
        }
    }

    func map(_ change: (Tensor) -> Tensor) -> Self {
        switch self {
        case .exact: self
        case .rows(let rows): .rows(change(rows))
        }
    }

    /// All rows in `count` parts of equal size, in a random order.
    func parts(_ count: Int, _ random: RandomSource) -> [Self] {
        guard case .rows(let rows) = self, count > 1 else { return Array(repeating: self, count: count) }
        let order = Tensor.permutation(rows.shape[0], random: random).to(rows.device)
        let size = rows.shape[0] / count
        return (0..<count).map { .rows(rows.indexSelect(0, order[($0 * size)..<(($0 + 1) * size)])) }
    }
}

extension Tensor {
    /// As many rows, each drawn from all of them.
    func drawnAgain(_ random: RandomSource) -> Tensor {
        indexSelect(0, Draws.again(shape[0], random).to(device))
    }
}

/// Mean and covariance of features that arrive batch by batch, in double precision; memory does not grow with them.
///
/// Batches are merged as in Chan, Golub and LeVeque (1983), so features far from zero lose no digits.
public final class FeatureMoments {
    /// Features of each picture, D.
    public let dimension: Int
    /// Pictures so far.
    public private(set) var count = 0
    /// [D], Double.
    public private(set) var mean: Tensor
    /// Sum of the outer products of the deviations from the mean, [D, D].
    private let scatter: Tensor

    private static let rowsAtOnce = 4096

    public init(dimension: Int, device: Device = .cpu) {
        precondition(dimension > 0, "FeatureMoments: expected features, got \(dimension)")
        self.dimension = dimension
        mean = .zeros([dimension], dtype: .float64, on: device)
        scatter = .zeros([dimension, dimension], dtype: .float64, on: device)
    }

    /// Continues from moments that were kept.
    /// - Parameters:
    ///   - mean: [D].
    ///   - covariance: [D, D], with n - 1 below.
    public init(count: Int, mean: Tensor, covariance: Tensor) {
        precondition(
            count > 1 && mean.rank == 1 && covariance.shape == [mean.count, mean.count],
            "FeatureMoments: expected [D] and [D, D] of two or more, got \(mean.summary) and "
                + "\(covariance.summary) of \(count)")
        (self.count, dimension) = (count, mean.count)
        self.mean = mean.detached().to(.float64)
        scatter = covariance.detached().to(.float64) * Double(count - 1)
    }

    /// Moments of features [N, D], all at once.
    public convenience init(of features: Tensor) {
        self.init(dimension: features.shape[1], device: features.device)
        add(features)
    }

    /// Where the sums are kept.
    public var device: Device { mean.device }

    /// [D, D], Double, with n - 1 below. Needs two pictures.
    public var covariance: Tensor {
        precondition(count > 1, "covariance: expected two or more pictures, got \(count)")
        return scatter / Double(count - 1)
    }

    /// Takes features [N, D] in.
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
        // The shift of the mean is one more row of deviations.
        let weight = (before * size / all).squareRoot()
        let rows = Tensor.concatenated([batch - batchMean, (shift * weight).unsqueezed(0)])
        scatter.addMatmul_(rows.transposed(0, 1), rows)
        mean = mean + shift * (size / all)
        count += batch.shape[0]
    }
}

/// A normal distribution, in double precision.
struct Gaussian {
    /// [D].
    let mean: Tensor
    /// [D, D].
    let covariance: Tensor

    init(_ moments: FeatureMoments) {
        (mean, covariance) = (moments.mean, moments.covariance)
    }

    /// The squared Fréchet distance (Dowson and Landau 1982).
    func distance(to other: Gaussian) -> Double {
        precondition(
            mean.shape == other.mean.shape, "distance: expected \(mean.summary), got \(other.mean.summary)")
        let theirs = (mean: other.mean.to(mean.device), covariance: other.covariance.to(mean.device))
        let traces = (covariance.diagonal() + theirs.covariance.diagonal()).sum().item()
        let shift = (mean - theirs.mean).square().sum().item()
        // One number that is not finite makes a trace so: what is beside the diagonal is never larger.
        guard traces.isFinite, shift.isFinite else { return .nan }
        return shift + traces - 2 * Self.rootTrace(covariance, theirs.covariance)
    }

    /// tr((A^(1/2) B A^(1/2))^(1/2)).
    ///
    /// With any F for which F FT = A, the symmetric FT B F has the same eigenvalues but for zeros. A triangular F is found many
    /// times faster than the eigenvectors of A; it exists where A or B has full rank.
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
        // Rounding leaves small negative ones of those that are zero.
        return product.symmetricEigenvalues().clampedBelow(0).sqrt().sum().item()
    }

    /// [D, rank] whose product with its transpose is the matrix; nil of zeros.
    private static func root(_ matrix: Tensor) -> Tensor? {
        let (values, vectors) = matrix.symmetricEigen()
        let size = values.count
        let largest = values[size - 1].item()
        guard largest > 0 else { return nil }
        // What rounding made of zeros would count with its square root.
        let threshold = largest * Double(size) * Double.ulpOfOne
        let rank = values.greater(than: threshold).sum().integers()[0]
        let kept = vectors.narrow(1, start: size - rank, length: rank)
        return kept * values[(size - rank)..<size].sqrt()
    }
}
