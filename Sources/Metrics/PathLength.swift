import Torch

/// Perceptual path length: change of a picture under a small change of its latent (Karras et al. 2019, section 4.1).
public enum PathLength {
    /// Interpolation path between two latents.
    public enum Path: Sendable {
        /// Linear interpolation, for w.
        case linear
        /// Spherical interpolation, for normally distributed z.
        case spherical
    }

    /// Mean of distance / epsilon^2 for steps of length epsilon on paths between pairs of latents. Lower is smoother.
    /// - Parameters:
    ///   - first: latents at the starts of the paths, [N, Z].
    ///   - second: latents at the ends of the paths, [N, Z].
    ///   - path: interpolation method.
    ///   - positions: start of each step as a fraction of the path, [N] in 0..<1; the default is 0.
    ///   - epsilon: length of the step as a fraction of the path.
    ///   - kept: range of quantiles of the lengths that enter the mean; nil keeps all lengths.
    ///   - batchSize: pairs per call of `generator`.
    ///   - generator: pictures [n, 3, H, W] for latents [n, Z].
    ///   - distance: distances [n] of corresponding pictures, quadratic in small differences, such as LPIPS.
    public static func estimate(
        from first: Tensor, to second: Tensor, along path: Path = .spherical, positions: Tensor? = nil,
        epsilon: Double = 1e-4, keeping kept: ClosedRange<Double>? = 0.01...0.99, batchSize: Int = 16,
        generator: (Tensor) -> Tensor, distance: (Tensor, Tensor) -> Tensor
    ) -> Estimate {
        let count = first.shape[0]
        precondition(
            first.rank == 2 && first.shape == second.shape && count > 1 && epsilon > 0,
            "PathLength: expected two or more pairs of latents [N, Z] and a positive epsilon, "
                + "got \(first.summary), \(second.summary) and \(epsilon)")
        var dtype = first.dtype
        let lengths = withoutGradients {
            let starts = (positions ?? .zeros([count])).to(first.device, .float64).reshape([count, 1])
            return stride(from: 0, to: count, by: batchSize).flatMap { start in
                let range = start..<min(count, start + batchSize)
                func pictures(_ offset: Double) -> Tensor {
                    let place = point(first[range], second[range], starts[range] + offset, path)
                    return generator(place.to(first.dtype))
                }
                let (a, b) = (pictures(0), pictures(epsilon))
                dtype = a.dtype
                return distance(a, b).doubles().map { $0 / (epsilon * epsilon) }
            }
        }
        let included = kept.map { filtered(lengths, $0) } ?? lengths
        let type = dtype == .float64 ? "float64" : dtype == .float32 ? "float32" : "\(dtype)"
        var notes = ["pictures in \(type); rounded pictures have much larger lengths"]
        if kept != nil { notes.append("\(lengths.count - included.count) of \(count) lengths left out") }
        return Estimate(meanOf: included, notes: notes)
    }

    /// Points at the fractions `t` [n, 1] of the paths from `a` to `b` [n, Z], Double [n, Z].
    ///
    /// Single precision would round the step away.
    package static func point(_ a: Tensor, _ b: Tensor, _ t: Tensor, _ path: Path) -> Tensor {
        let (a, b) = (a.to(.float64), b.to(a.device, .float64))
        let straight = a + (b - a) * t
        guard path == .spherical else { return straight }
        func unit(_ x: Tensor) -> Tensor { x / x.norm([1], keep: true).clampedBelow(1e-7) }
        let cosine = (unit(a) * unit(b)).sum([1], keep: true)
        // The great circle of parallel or opposite latents is not unique; they are interpolated linearly.
        let isArc = cosine.abs().less(than: 1 - 1e-7)
        let angle = cosine.clamped((-1 + 1e-7)...(1 - 1e-7)).acos()
        let arc = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()
        return arc.where(isArc, else: straight)
    }

    /// Values between two quantiles, inclusive. The quantiles are rounded outward to values, as in the authors' code.
    package static func filtered(_ values: [Double], _ kept: ClosedRange<Double>) -> [Double] {
        let sorted = values.sorted()
        let last = Double(sorted.count - 1)
        let low = sorted[Int((kept.lowerBound * last).rounded(.down))]
        let high = sorted[Int((kept.upperBound * last).rounded(.up))]
        return values.filter { low <= $0 && $0 <= high }
    }
}
