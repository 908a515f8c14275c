import Foundation

/// A rotation, uniform scaling and translation: (x, y) becomes (a x - b y + dx, b x + a y + dy).
public struct Similarity: Sendable, Equatable, Codable {
    /// Scale times the cosine of the angle.
    public let a: Double
    /// Scale times the sine of the angle. Positive values rotate clockwise, because y increases downwards.
    public let b: Double
    /// Translation to the right in pixels.
    public let dx: Double
    /// Translation downwards in pixels.
    public let dy: Double

    /// Creates a similarity from its coefficients. `a` and `b` must not both be 0.
    public init(a: Double, b: Double, dx: Double, dy: Double) {
        precondition(a * a + b * b > 0, "Similarity: expected a scale above 0")
        (self.a, self.b, self.dx, self.dy) = (a, b, dx, dy)
    }

    /// Creates a similarity that scales and rotates around the upper left corner and then translates.
    /// - Parameters:
    ///   - scale: scaling factor, not 0.
    ///   - degrees: clockwise angle.
    ///   - dx: translation to the right in pixels.
    ///   - dy: translation downwards in pixels.
    public init(scale: Double, degrees: Double = 0, dx: Double = 0, dy: Double = 0) {
        let angle = degrees * .pi / 180
        self.init(a: scale * cos(angle), b: scale * sin(angle), dx: dx, dy: dy)
    }

    /// The identity.
    public static let identity = Similarity(a: 1, b: 0, dx: 0, dy: 0)

    /// Fits a similarity to pairs of points by weighted least squares (Umeyama, 1991). Returns nil if the points do
    /// not determine one.
    /// - Parameters:
    ///   - sources: points to transform.
    ///   - targets: their targets.
    ///   - weights: weights of the pairs; nil for equal weights.
    public init?(from sources: [PicturePoint], to targets: [PicturePoint], weights: [Double]? = nil) {
        let weights = weights ?? [Double](repeating: 1, count: sources.count)
        precondition(
            sources.count == targets.count && weights.count == sources.count,
            "Similarity: expected equal counts of points, got \(sources.count), \(targets.count), "
                + "\(weights.count)")
        let total = weights.reduce(0, +)
        guard total > 0 else { return nil }
        func mean(_ points: [PicturePoint]) -> PicturePoint {
            var (x, y) = (0.0, 0.0)
            for (point, weight) in zip(points, weights) {
                x += weight * point.x
                y += weight * point.y
            }
            return PicturePoint(x: x / total, y: y / total)
        }
        let (from, to) = (mean(sources), mean(targets))
        var (along, across, spread) = (0.0, 0.0, 0.0)
        for ((p, q), weight) in zip(zip(sources, targets), weights) {
            let (px, py, qx, qy) = (p.x - from.x, p.y - from.y, q.x - to.x, q.y - to.y)
            along += weight * (px * qx + py * qy)
            across += weight * (px * qy - py * qx)
            spread += weight * (px * px + py * py)
        }
        let (a, b) = (along / spread, across / spread)
        guard spread > 0, a.isFinite, b.isFinite, a * a + b * b > 0 else { return nil }
        self.init(a: a, b: b, dx: to.x - a * from.x + b * from.y, dy: to.y - b * from.x - a * from.y)
    }

    /// Scaling factor.
    public var scale: Double { (a * a + b * b).squareRoot() }

    /// Clockwise angle, -180...180.
    public var degrees: Double { atan2(b, a) * 180 / .pi }

    /// Transforms a point.
    public func callAsFunction(_ point: PicturePoint) -> PicturePoint {
        PicturePoint(x: a * point.x - b * point.y + dx, y: b * point.x + a * point.y + dy)
    }

    /// The inverse transform.
    public var inverse: Similarity {
        let square = a * a + b * b
        let (c, d) = (a / square, -b / square)
        return Similarity(a: c, b: d, dx: -(c * dx - d * dy), dy: -(d * dx + c * dy))
    }

    /// Returns the composition: this transform, followed by `next`.
    public func then(_ next: Similarity) -> Similarity {
        let origin = next(PicturePoint(x: dx, y: dy))
        return Similarity(
            a: next.a * a - next.b * b, b: next.b * a + next.a * b, dx: origin.x, dy: origin.y)
    }
}
