import Foundation

/// Turning, scaling and moving: (x, y) becomes (a x - b y + dx, b x + a y + dy). Shapes stay, nothing is mirrored.
public struct Similarity: Sendable, Equatable, Codable {
    /// Scale times the cosine of the angle.
    public let a: Double
    /// Scale times the sine of the angle; positive turns clockwise, as y points down.
    public let b: Double
    /// Pixels to the right.
    public let dx: Double
    /// Pixels down.
    public let dy: Double

    /// `a` and `b` must not both be 0.
    public init(a: Double, b: Double, dx: Double, dy: Double) {
        precondition(a * a + b * b > 0, "a similarity of scale 0 cannot be undone")
        (self.a, self.b, self.dx, self.dy) = (a, b, dx, dy)
    }

    /// - Parameters:
    ///   - degrees: clockwise, about the upper left corner; then the picture moves by `dx` and `dy`.
    public init(scale: Double, degrees: Double = 0, dx: Double = 0, dy: Double = 0) {
        let angle = degrees * .pi / 180
        self.init(a: scale * cos(angle), b: scale * sin(angle), dx: dx, dy: dy)
    }

    public static let identity = Similarity(a: 1, b: 0, dx: 0, dy: 0)

    /// What brings points nearest to others: least squares over all similarities (Umeyama 1991); nil where they decide none.
    /// - Parameter weights: how much each pair counts; nil for all alike.
    public init?(from sources: [PicturePoint], to targets: [PicturePoint], weights: [Double]? = nil) {
        let weights = weights ?? [Double](repeating: 1, count: sources.count)
        precondition(
            sources.count == targets.count && weights.count == sources.count,
            "as many points as targets and weights, got \(sources.count), \(targets.count), \(weights.count)")
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

    /// Factor of lengths.
    public var scale: Double { (a * a + b * b).squareRoot() }

    /// The angle, -180...180, clockwise.
    public var degrees: Double { atan2(b, a) * 180 / .pi }

    /// Where a point goes.
    public func callAsFunction(_ point: PicturePoint) -> PicturePoint {
        PicturePoint(x: a * point.x - b * point.y + dx, y: b * point.x + a * point.y + dy)
    }

    /// What undoes it.
    public var inverse: Similarity {
        let square = a * a + b * b
        let (c, d) = (a / square, -b / square)
        return Similarity(a: c, b: d, dx: -(c * dx - d * dy), dy: -(d * dx + c * dy))
    }

    /// This, then another.
    public func then(_ next: Similarity) -> Similarity {
        let origin = next(PicturePoint(x: dx, y: dy))
        return Similarity(
            a: next.a * a - next.b * b, b: next.b * a + next.a * b, dx: origin.x, dy: origin.y)
    }
}
