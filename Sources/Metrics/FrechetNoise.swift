import Torch

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
