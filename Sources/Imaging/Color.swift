import Foundation

/// An sRGB color for drawing, with channels in 0...255.
public struct Color: Sendable, Equatable {
    /// Red channel.
    public var red: UInt8
    /// Green channel.
    public var green: UInt8
    /// Blue channel.
    public var blue: UInt8

    /// Creates a color from its channels.
    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// Creates a gray, from 0 (black) to 255 (white).
    public init(gray: UInt8) { self.init(red: gray, green: gray, blue: gray) }

    /// Creates a color from 0xRRGGBB.
    init(_ hex: UInt32) {
        self.init(red: UInt8(hex >> 16 & 255), green: UInt8(hex >> 8 & 255), blue: UInt8(hex & 255))
    }

    /// Black.
    public static let black = Color(gray: 0)
    /// White.
    public static let white = Color(gray: 255)

    private var luminance: UInt8 {
        let (r, g, b) = (Int(red), Int(green), Int(blue))
        return UInt8((r * 299 + g * 587 + b * 114 + 500) / 1000)
    }

    /// Channel values of the color in a picture with 1, 3 or 4 channels.
    func values(channels: Int) -> [UInt8] {
        switch channels {
        case 1: [luminance]
        case 3: [red, green, blue]
        default: [red, green, blue, 255]
        }
    }
}

extension Picture {
    /// Returns the picture with adjusted colors. Transparency is unchanged.
    ///
    /// Hue rotates the chroma plane of YIQ and preserves luminance. Contrast is relative to the picture's mean
    /// luminance.
    /// - Parameters:
    ///   - brightness: factor of all values; 1 for no change.
    ///   - contrast: factor of the distance from the mean; 1 for no change, 0 for uniform gray.
    ///   - saturation: factor of the distance from gray; 1 for no change, 0 for grayscale.
    ///   - hueDegrees: rotation of the hue; 0 for no change, 120 maps red to green.
    public func adjusted(
        brightness: Float = 1, contrast: Float = 1, saturation: Float = 1, hueDegrees: Float = 0
    ) -> Picture {
        let mean = meanLuminance() * brightness
        let gain = brightness * contrast
        let offset = mean * (1 - contrast)
        var result = self
        if channels == 1 {
            result.pixels.withUnsafeMutableBufferPointer { p in
                for i in p.indices { p[i] = Self.clamped(Float(p[i]) * gain + offset) }
            }
            return result
        }
        let m = Self.colorMatrix(saturation: saturation, hueDegrees: hueDegrees).map { $0 * gain }
        result.pixels.withUnsafeMutableBufferPointer { p in
            for i in stride(from: 0, to: p.count, by: channels) {
                let (r, g, b) = (Float(p[i]), Float(p[i + 1]), Float(p[i + 2]))
                p[i] = Self.clamped(m[0] * r + m[1] * g + m[2] * b + offset)
                p[i + 1] = Self.clamped(m[3] * r + m[4] * g + m[5] * b + offset)
                p[i + 2] = Self.clamped(m[6] * r + m[7] * g + m[8] * b + offset)
            }
        }
        return result
    }

    private static func clamped(_ value: Float) -> UInt8 { UInt8(min(max(value + 0.5, 0), 255)) }

    private func meanLuminance() -> Float {
        pixels.withUnsafeBufferPointer { p in
            var sum = 0
            if channels == 1 {
                for value in p { sum += 1000 * Int(value) }
            } else {
                for i in stride(from: 0, to: p.count, by: channels) {
                    sum += 299 * Int(p[i]) + 587 * Int(p[i + 1]) + 114 * Int(p[i + 2])
                }
            }
            return Float(Double(sum) / 1000 / Double(width * height))
        }
    }

    /// Matrix from RGB to RGB in rows. It preserves luminance and rotates the chroma plane of YIQ.
    private static func colorMatrix(saturation: Float, hueDegrees: Float) -> [Float] {
        let angle = hueDegrees * .pi / 180
        let (cosine, sine) = (cos(angle) * saturation, sin(angle) * saturation)
        let luminance: [Float] = [0.299, 0.587, 0.114]
        let (i, q): ([Float], [Float]) = ([0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112])
        // RGB values of one unit of I and of Q.
        let (ofI, ofQ): ([Float], [Float]) = ([0.956, -0.272, -1.106], [0.619, -0.647, 1.703])
        return (0..<9).map { index in
            let (row, column) = (index / 3, index % 3)
            let gray = luminance[column]
            let quarterTurn = ofI[row] * q[column] - ofQ[row] * i[column]
            return gray + cosine * ((row == column ? 1 : 0) - gray) + sine * quarterTurn
        }
    }
}

extension Picture {
    /// Returns this picture with another one blended over it. The other picture fades towards its edges.
    ///
    /// - Parameters:
    ///   - patch: picture with any number of channels; transparency is composited on white.
    ///   - transform: maps positions in this picture to positions in the patch.
    ///   - feather: width of the fade relative to the side of the patch, from 0 (hard edge) to 0.5.
    ///   - filter: kernel of the resampling.
    /// - Returns: RGB, or RGBA with this picture's transparency.
    public func blended(
        with patch: Picture, at transform: Similarity, feather: Double, filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition(
            (0...0.5).contains(feather),
            "Picture.blended: expected a feather in 0...0.5, got \(feather)")
        var result = channels == 1 ? rgb() : self
        let (patch, back) = (patch.rgb(), transform.inverse)
        let (patchWidth, patchHeight) = (Double(patch.width), Double(patch.height))
        let corners = [(0, 0), (patchWidth, 0), (0, patchHeight), (patchWidth, patchHeight)].map {
            back(PicturePoint(x: $0.0, y: $0.1))
        }
        /// Range of pixels between the extreme corners, limited to 0..<size.
        func span(_ values: [Double], _ size: Int) -> Range<Int> {
            let low = min(max(values.reduce(.infinity, min).rounded(.down), 0), Double(size))
            let high = min(max(values.reduce(-.infinity, max).rounded(.up), low), Double(size))
            return Int(low)..<Int(high)
        }
        let (columns, rows) = (span(corners.map(\.x), width), span(corners.map(\.y), height))
        guard !columns.isEmpty, !rows.isEmpty else { return result }
        let move = Similarity(a: 1, b: 0, dx: -Double(columns.lowerBound), dy: -Double(rows.lowerBound))
        let laid = patch.warped(
            by: back.then(move), width: columns.count, height: rows.count, filter: filter)
        let step = result.channels
        result.pixels.withUnsafeMutableBufferPointer { out in
            laid.pixels.withUnsafeBufferPointer { new in
                for y in rows {
                    for x in columns {
                        let position = transform(PicturePoint(x: Double(x) + 0.5, y: Double(y) + 0.5))
                        let weight = Float(
                            Self.fadeWeight(position.x / patchWidth, feather)
                                * Self.fadeWeight(position.y / patchHeight, feather))
                        if weight <= 0 { continue }
                        let to = (y * width + x) * step
                        let from = ((y - rows.lowerBound) * laid.width + x - columns.lowerBound) * 3
                        for c in 0..<3 {
                            let old = Float(out[to + c])
                            out[to + c] = UInt8(old + (Float(new[from + c]) - old) * weight + 0.5)
                        }
                    }
                }
            }
        }
        return result
    }

    /// Weight at a relative position: 0 outside 0...1, 1 in the middle, with a smooth cubic transition.
    private static func fadeWeight(_ position: Double, _ feather: Double) -> Double {
        let depth = min(position, 1 - position)
        guard depth > 0 else { return 0 }
        guard depth < feather else { return 1 }
        let t = depth / feather
        return t * t * (3 - 2 * t)
    }
}
