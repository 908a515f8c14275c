/// A picture in host memory: 8-bit pixels, row by row, channels interleaved (HWC), 0...255.
public struct Picture: Sendable, Equatable {
    /// Pixels a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// 1 (gray), 3 (RGB) or 4 (RGBA, color not multiplied by alpha).
    public let channels: Int
    /// `height * width * channels` values; must keep that count.
    public var pixels: [UInt8]

    /// A picture of the given pixels (HWC), whose count must be `width * height * channels`.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel, got \(width)x\(height)")
        precondition(channels == 1 || channels == 3 || channels == 4, "1, 3 or 4 channels, got \(channels)")
        precondition(
            pixels.count == width * height * channels,
            "\(width)x\(height)x\(channels) pixels expected, got \(pixels.count) values")
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// A picture whose every value is `value`.
    public init(width: Int, height: Int, channels: Int, filledWith value: UInt8) {
        self.init(
            width: width, height: height, channels: channels,
            pixels: [UInt8](repeating: value, count: width * height * channels))
    }

    /// A picture whose pixels `fill` writes; it must write all of them.
    package init(
        width: Int, height: Int, channels: Int,
        fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void
    ) rethrows {
        let count = width * height * channels
        self.init(
            width: width, height: height, channels: channels,
            pixels: try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
                initialized = count
            })
    }

    /// The same picture with 3 channels: gray is repeated, transparency shows white.
    public func rgb() -> Picture {
        if channels == 3 { return self }
        return Picture(width: width, height: height, channels: 3) { out in
            pixels.withUnsafeBufferPointer { source in
                if channels == 1 {
                    for i in 0..<source.count {
                        for c in 0..<3 { out[3 * i + c] = source[i] }
                    }
                } else {
                    for i in 0..<width * height {
                        let alpha = Int(source[4 * i + 3])
                        for c in 0..<3 {
                            let sum = Int(source[4 * i + c]) * alpha + 255 * (255 - alpha)
                            out[3 * i + c] = UInt8((sum + 127) / 255)
                        }
                    }
                }
            }
        }
    }
}
