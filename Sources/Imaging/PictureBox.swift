/// A rectangle of whole pixels; `x` and `y` are its left and upper edge.
public struct PictureBox: Sendable, Equatable {
    public var x: Int
    public var y: Int
    public var width: Int
    public var height: Int

    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// Whether the box is not empty and lies inside a picture of the given size.
    public func fits(width: Int, height: Int) -> Bool {
        x >= 0 && y >= 0 && self.width > 0 && self.height > 0
            && self.width <= width - x && self.height <= height - y
    }
}
