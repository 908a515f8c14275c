import Foundation

/// A picture in host memory: 8-bit pixels in rows, channels interleaved (HWC), 0...255.
public struct Picture: Sendable, Equatable {
    /// Width in pixels.
    public let width: Int
    /// Height in pixels.
    public let height: Int
    /// The number of channels: 1 (gray), 3 (RGB) or 4 (RGBA, not premultiplied).
    public let channels: Int
    /// Pixel values, [height, width, channels]. The count must not change.
    public var pixels: [UInt8]

    /// Creates a picture from pixels, [height, width, channels].
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "Picture: expected at least one pixel, got \(width)x\(height)")
        precondition(
            channels == 1 || channels == 3 || channels == 4,
            "Picture: expected 1, 3 or 4 channels, got \(channels)")
        precondition(
            pixels.count == width * height * channels,
            "Picture: expected \(width)x\(height)x\(channels) values, got \(pixels.count)")
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// Creates a picture in which all values are equal.
    public init(width: Int, height: Int, channels: Int, filledWith value: UInt8) {
        self.init(
            width: width, height: height, channels: channels,
            pixels: [UInt8](repeating: value, count: width * height * channels))
    }

    /// Creates a picture whose pixels are written by `fill`, which must initialize all of them.
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

    /// Converts the picture to 3 channels. Gray is repeated; transparent pixels are composited on a background.
    public func rgb(over background: Background = .white) -> Picture {
        if channels == 3 { return self }
        return Picture(width: width, height: height, channels: 3) { out in
            pixels.withUnsafeBufferPointer { source in
                if channels == 1 {
                    for i in 0..<source.count {
                        for c in 0..<3 { out[3 * i + c] = source[i] }
                    }
                } else {
                    let behind = (Int(background.red), Int(background.green), Int(background.blue))
                    for i in 0..<width * height {
                        let alpha = Int(source[4 * i + 3])
                        func composite(_ channel: Int, _ behind: Int) {
                            let sum = Int(source[4 * i + channel]) * alpha + behind * (255 - alpha)
                            out[3 * i + channel] = UInt8((sum + 127) / 255)
                        }
                        composite(0, behind.0)
                        composite(1, behind.1)
                        composite(2, behind.2)
                    }
                }
            }
        }
    }
}

extension Picture {
    /// Whether a pixel is not opaque.
    package var isTransparent: Bool {
        guard channels == 4 else { return false }
        return pixels.withUnsafeBufferPointer { pixels in
            stride(from: 3, to: pixels.count, by: 4).contains { pixels[$0] != 255 }
        }
    }
}

extension Picture {
    /// Returns the part of the picture inside `box`.
    ///
    /// - Throws: `ImagingError` if the box is not inside the picture.
    public func cropped(to box: PictureBox) throws -> Picture {
        guard box.fits(width: width, height: height) else {
            throw ImagingError(
                "the crop of \(box.width)x\(box.height) at (\(box.x), \(box.y)) is outside the picture "
                    + "of \(width)x\(height)",
                advice: "select a protocol with a smaller crop")
        }
        if box.width == width && box.height == height { return self }
        return Picture(width: box.width, height: box.height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                let count = box.width * channels
                for row in 0..<box.height {
                    let start = ((box.y + row) * width + box.x) * channels
                    _ = UnsafeMutableBufferPointer(rebasing: out[row * count..<(row + 1) * count])
                        .update(fromContentsOf: source[start..<start + count])
                }
            }
        }
    }

    /// Returns the part of the picture of the given size at (`x`, `y`).
    ///
    /// - Throws: `ImagingError` if it is not inside the picture.
    public func cropped(x: Int, y: Int, width: Int, height: Int) throws -> Picture {
        try cropped(to: PictureBox(x: x, y: y, width: width, height: height))
    }

    /// Returns the horizontally mirrored picture.
    public func flippedHorizontally() -> Picture {
        Picture(width: width, height: height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<height {
                    for x in 0..<width {
                        let from = (y * width + x) * channels
                        let to = (y * width + width - 1 - x) * channels
                        for c in 0..<channels { out[to + c] = source[from + c] }
                    }
                }
            }
        }
    }

    /// Returns the upright picture for an EXIF orientation, 1...8. Other values do not change the picture.
    public func oriented(_ orientation: Int) -> Picture {
        guard (2...8).contains(orientation) else { return self }
        let swapped = orientation >= 5
        let (w, h) = swapped ? (height, width) : (width, height)
        return Picture(width: w, height: h, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<h {
                    for x in 0..<w {
                        let (sx, sy) =
                            switch orientation {
                            case 2: (width - 1 - x, y)
                            case 3: (width - 1 - x, height - 1 - y)
                            case 4: (x, height - 1 - y)
                            case 5: (y, x)
                            case 6: (y, height - 1 - x)
                            case 7: (width - 1 - y, height - 1 - x)
                            default: (width - 1 - y, x)
                            }
                        let from = (sy * width + sx) * channels
                        let to = (y * w + x) * channels
                        for c in 0..<channels { out[to + c] = source[from + c] }
                    }
                }
            }
        }
    }
}

extension Picture {
    /// Copies a picture with the same number of channels into this one, with its upper left corner at (`x`, `y`).
    /// Parts outside are clipped.
    public mutating func paste(_ other: Picture, x: Int, y: Int) {
        precondition(
            other.channels == channels,
            "Picture.paste: expected \(channels) channels, got \(other.channels)")
        let left = max(0, x)
        let right = min(width, x + other.width)
        guard left < right else { return }
        let count = (right - left) * channels
        pixels.withUnsafeMutableBufferPointer { out in
            other.pixels.withUnsafeBufferPointer { source in
                for row in max(0, y)..<max(max(0, y), min(height, y + other.height)) {
                    let to = (row * width + left) * channels
                    let from = ((row - y) * other.width + left - x) * channels
                    for i in 0..<count { out[to + i] = source[from + i] }
                }
            }
        }
    }

    /// Fills a rectangle with a color. Parts outside the picture are clipped.
    public mutating func fill(_ box: PictureBox, color: Color) {
        fill(
            x: box.x, y: box.y, width: box.width, height: box.height,
            values: color.values(channels: channels))
    }

    mutating func fill(x: Int, y: Int, width: Int, height: Int, values: [UInt8]) {
        let columns = max(0, x)..<max(max(0, x), min(self.width, x + width))
        let rows = max(0, y)..<max(max(0, y), min(self.height, y + height))
        for row in rows {
            for column in columns {
                let i = (row * self.width + column) * channels
                for c in 0..<channels { pixels[i + c] = values[c] }
            }
        }
    }
}

extension Picture {
    /// Returns the picture rotated around its center, with the same size. The interpolation is bilinear. Positions
    /// outside are filled by reflection.
    ///
    /// - Parameter degrees: counter-clockwise angle.
    public func rotated(degrees: Double) -> Picture {
        let angle = Float(degrees * .pi / 180)
        let (cosine, sine) = (cos(angle), sin(angle))
        let (centerX, centerY) = (Float(width - 1) / 2, Float(height - 1) / 2)
        return Picture(width: width, height: height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<height {
                    for x in 0..<width {
                        let (dx, dy) = (Float(x) - centerX, Float(y) - centerY)
                        let fromX = Self.mirrored(centerX + dx * cosine - dy * sine, width)
                        let fromY = Self.mirrored(centerY + dx * sine + dy * cosine, height)
                        let (x0, y0) = (Int(fromX), Int(fromY))
                        let (x1, y1) = (min(x0 + 1, width - 1), min(y0 + 1, height - 1))
                        let (u, v) = (fromX - Float(x0), fromY - Float(y0))
                        for c in 0..<channels {
                            func value(_ x: Int, _ y: Int) -> Float {
                                Float(source[(y * width + x) * channels + c])
                            }
                            let above = value(x0, y0) * (1 - u) + value(x1, y0) * u
                            let below = value(x0, y1) * (1 - u) + value(x1, y1) * u
                            out[(y * width + x) * channels + c] = UInt8(above * (1 - v) + below * v + 0.5)
                        }
                    }
                }
            }
        }
    }

    /// Reflects a coordinate at the borders into 0...`size` - 1.
    private static func mirrored(_ value: Float, _ size: Int) -> Float {
        let last = Float(size - 1)
        if last == 0 { return 0 }
        var folded = value.magnitude.truncatingRemainder(dividingBy: 2 * last)
        if folded > last { folded = 2 * last - folded }
        return min(max(folded, 0), last)
    }
}

extension Picture {
    /// Draws a line through points with round ends on an RGB picture. A single point is drawn as a dot. Parts outside
    /// the picture are clipped.
    ///
    /// - Parameters:
    ///   - places: points in pixels.
    ///   - thickness: thickness in pixels.
    ///   - color: color of the line.
    ///   - isClosed: whether the last point is connected to the first.
    public mutating func drawLine(
        through places: [PicturePoint], thickness: Double, color: Color, isClosed: Bool = false
    ) {
        precondition(channels == 3, "Picture.drawLine: expected 3 channels, got \(channels)")
        guard let first = places.first else { return }
        let ends = places.dropFirst() + (isClosed || places.count == 1 ? [first] : [])
        for (a, b) in zip(places, ends) { drawSegment(from: a, to: b, thickness, color) }
    }

    private mutating func drawSegment(
        from a: PicturePoint, to b: PicturePoint, _ thickness: Double, _ color: Color
    ) {
        let reach = thickness / 2 + 1
        func span(_ a: Double, _ b: Double, _ size: Int) -> Range<Int> {
            let low = min(max(min(a, b) - reach, 0), Double(size))
            let high = min(max((max(a, b) + reach).rounded(.up), low), Double(size))
            return Int(low)..<Int(high)
        }
        let (columns, rows) = (span(a.x, b.x, width), span(a.y, b.y, height))
        guard !columns.isEmpty, !rows.isEmpty else { return }
        let box = PictureBox(
            x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
        guard var part = try? cropped(to: box) else { return }
        func inside(_ place: PicturePoint) -> (x: Float, y: Float) {
            (Float(place.x - Double(box.x)), Float(place.y - Double(box.y)))
        }
        var mask = LineMask(width: box.width, height: box.height)
        mask.add(from: inside(a), to: inside(b), thickness: Float(thickness))
        mask.paint(on: &part, color: color)
        paste(part, x: box.x, y: box.y)
    }
}

/// A rectangle of pixels.
public struct PictureBox: Sendable, Equatable {
    /// Left edge.
    public var x: Int
    /// Upper edge.
    public var y: Int
    /// Width in pixels.
    public var width: Int
    /// Height in pixels.
    public var height: Int

    /// Creates a rectangle.
    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// Whether the box is not empty and inside a picture of the given size.
    public func fits(width: Int, height: Int) -> Bool {
        x >= 0 && y >= 0 && self.width > 0 && self.height > 0
            && self.width <= width - x && self.height <= height - y
    }
}

/// A position in a picture in pixels: x increases to the right, y downwards. The center of the upper left pixel is
/// (0.5, 0.5).
public struct PicturePoint: Sendable, Equatable, Codable {
    /// Horizontal position.
    public var x: Double
    /// Vertical position.
    public var y: Double

    /// Creates a point.
    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }

    /// Distance to another point in pixels.
    public func distance(to other: PicturePoint) -> Double {
        ((x - other.x) * (x - other.x) + (y - other.y) * (y - other.y)).squareRoot()
    }
}
