import Torch

/// Perceptual path length: how far a picture moves when its latent moves a little (Karras et al. 2019, section 4.1).
public enum PathLength {
    /// The way between two latents.
    public enum Path: Sendable {
        /// Straight, for w.
        case linear
        /// On the great circle, for normally distributed z.
        case spherical
    }

    /// The mean of distance / epsilon^2 over steps of epsilon between pairs of latents.
    /// - Parameters:
    ///   - first: latents [N, Z].
    ///   - second: the latents that the paths lead to, [N, Z].
    ///   - positions: where on the path each step begins, [N] in 0..<1; by default at its start.
    ///   - kept: the quantiles of distances that count; nil keeps all.
    ///   - generator: pictures of latents [n, Z].
    ///   - distance: of pictures, pair by pair, [n]; of second order, such as LPIPS.
    public static func estimate(
        from first: Tensor, to second: Tensor, along path: Path = .spherical, positions: Tensor? = nil,
        epsilon: Double = 1e-4, keeping kept: ClosedRange<Double>? = 0.01...0.99, batchSize: Int = 16,
        generator: (Tensor) -> Tensor, distance: (Tensor, Tensor) -> Tensor
    ) -> Estimate {
        let count = first.shape[0]
        precondition(
            first.rank == 2 && first.shape == second.shape && count > 1 && epsilon > 0,
            "PathLength: expected latents [N, Z] twice, got \(first.summary) and \(second.summary)")
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
        let usual = kept.map { filtered(lengths, $0) } ?? lengths
        let type = dtype == .float64 ? "float64" : dtype == .float32 ? "float32" : "\(dtype)"
        var notes = ["pictures in \(type); rounding them to bytes multiplies the length"]
        if kept != nil { notes.append("\(lengths.count - usual.count) of \(count) lengths left out") }
        return Estimate(meanOf: usual, notes: notes)
    }

    /// The point at `t` [n, 1] of the ways from `a` to `b`, Double: in single precision a step would be lost in rounding.
    package static func point(_ a: Tensor, _ b: Tensor, _ t: Tensor, _ path: Path) -> Tensor {
        let (a, b) = (a.to(.float64), b.to(a.device, .float64))
        let straight = a + (b - a) * t
        guard path == .spherical else { return straight }
        func unit(_ x: Tensor) -> Tensor { x / x.norm([1], keep: true).clampedBelow(1e-7) }
        let cosine = (unit(a) * unit(b)).sum([1], keep: true)
        // Parallel latents, and opposite ones, have no one circle.
        let isArc = cosine.abs().less(than: 1 - 1e-7)
        let angle = cosine.clamped((-1 + 1e-7)...(1 - 1e-7)).acos()
        let arc = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()
        return arc.where(isArc, else: straight)
    }

    /// The values between two quantiles, each moved out to the nearest value, as the paper's own code does.
    package static func filtered(_ values: [Double], _ kept: ClosedRange<Double>) -> [Double] {
        let sorted = values.sorted()
        let last = Double(sorted.count - 1)
        let low = sorted[Int((kept.lowerBound * last).rounded(.down))]
        let high = sorted[Int((kept.upperBound * last).rounded(.up))]
        return values.filter { low <= $0 && $0 <= high }
    }
}
