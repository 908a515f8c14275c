import Torch

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
