import Torch

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
