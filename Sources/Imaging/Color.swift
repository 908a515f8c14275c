import Foundation

/// A color for drawing, sRGB 0...255.
public struct Color: Sendable, Equatable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// A gray, 0 (black) ... 255 (white).
    public init(gray: UInt8) { self.init(red: gray, green: gray, blue: gray) }

    /// From 0xRRGGBB.
    init(_ hex: UInt32) {
        self.init(red: UInt8(hex >> 16 & 255), green: UInt8(hex >> 8 & 255), blue: UInt8(hex & 255))
    }

    public static let black = Color(gray: 0)
    public static let white = Color(gray: 255)

    private var luminance: UInt8 {
        let (r, g, b) = (Int(red), Int(green), Int(blue))
        return UInt8((r * 299 + g * 587 + b * 114 + 500) / 1000)
    }

    /// The values that stand for it in a picture of so many channels.
    func values(channels: Int) -> [UInt8] {
        switch channels {
        case 1: [luminance]
        case 3: [red, green, blue]
        default: [red, green, blue, 255]
        }
    }
}

extension Picture {
    /// The picture with its colors changed; transparency stays.
    ///
    /// Hue turns the color plane of YIQ, which keeps luminance; contrast works about the picture's mean luminance.
    /// - Parameters:
    ///   - brightness: factor of all values; 1 changes nothing.
    ///   - contrast: factor of the distance from the mean; 1 changes nothing, 0 gives a uniform gray.
    ///   - saturation: factor of the distance from gray; 1 changes nothing, 0 removes color.
    ///   - hueDegrees: 0 changes nothing, 120 turns red into green.
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

    /// RGB to RGB, row by row: luminance stays, and the rest, a plane at right angles to it in YIQ, is turned.
    private static func colorMatrix(saturation: Float, hueDegrees: Float) -> [Float] {
        let angle = hueDegrees * .pi / 180
        let (cosine, sine) = (cos(angle) * saturation, sin(angle) * saturation)
        let luminance: [Float] = [0.299, 0.587, 0.114]
        let (i, q): ([Float], [Float]) = ([0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112])
        // What one unit of I and of Q is in red, green and blue.
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
    /// This picture with another laid over it; towards the other's edges it fades, and outside them nothing changes.
    ///
    /// - Parameters:
    ///   - patch: any channels; its transparency shows white.
    ///   - transform: from places of this picture to those of the patch.
    ///   - feather: how wide the fading is, as a part of the patch's side, 0 (a hard edge) ... 0.5.
    /// - Returns: RGB, or RGBA with this picture's transparency.
    public func blended(
        with patch: Picture, at transform: Similarity, feather: Double, filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition((0...0.5).contains(feather), "a feather of 0...0.5, got \(feather)")
        var result = channels == 1 ? rgb() : self
        let (patch, back) = (patch.rgb(), transform.inverse)
        let (patchWidth, patchHeight) = (Double(patch.width), Double(patch.height))
        let corners = [(0, 0), (patchWidth, 0), (0, patchHeight), (patchWidth, patchHeight)].map {
            back(PicturePoint(x: $0.0, y: $0.1))
        }
        /// The pixels between the outermost corners, inside 0..<size.
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
                        let place = transform(PicturePoint(x: Double(x) + 0.5, y: Double(y) + 0.5))
                        let share = Float(
                            Self.share(place.x / patchWidth, feather)
                                * Self.share(place.y / patchHeight, feather))
                        if share <= 0 { continue }
                        let to = (y * width + x) * step
                        let from = ((y - rows.lowerBound) * laid.width + x - columns.lowerBound) * 3
                        for c in 0..<3 {
                            let old = Float(out[to + c])
                            out[to + c] = UInt8(old + (Float(new[from + c]) - old) * share + 0.5)
                        }
                    }
                }
            }
        }
        return result
    }

    /// 0 outside 0...1, 1 in its middle; in between a cubic without kinks.
    private static func share(_ place: Double, _ feather: Double) -> Double {
        let depth = min(place, 1 - place)
        guard depth > 0 else { return 0 }
        guard depth < feather else { return 1 }
        let t = depth / feather
        return t * t * (3 - 2 * t)
    }
}
