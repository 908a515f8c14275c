/// How large a picture may be before it is refused unread.
public struct DecodeLimits: Sendable, Equatable {
    /// Largest number of pixels. The default is 100 million.
    public var pixels: Int
    /// Largest width or height. The default is 65,535.
    public var side: Int

    public init(pixels: Int = 100_000_000, side: Int = 65_535) {
        self.pixels = pixels
        self.side = side
    }

    func check(width: Int, height: Int) throws {
        guard width > 0, height > 0 else { throw ImagingError("the picture has no pixels") }
        guard width <= side, height <= side, width <= pixels / height else {
            throw ImagingError(
                "the picture is \(width)x\(height), more than the limit of \(pixels) pixels and \(side) a side",
                advice: "raise the limits if it is genuine")
        }
    }
}
