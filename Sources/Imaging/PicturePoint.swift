/// A place in a picture, in pixels: x to the right, y down; the center of the upper left pixel is (0.5, 0.5).
public struct PicturePoint: Sendable, Equatable, Codable {
    public var x: Double
    public var y: Double

    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }

    /// How far another place is, in pixels.
    public func distance(to other: PicturePoint) -> Double {
        ((x - other.x) * (x - other.x) + (y - other.y) * (y - other.y)).squareRoot()
    }
}
