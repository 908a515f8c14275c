import Foundation

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
