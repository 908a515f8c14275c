import Imaging

extension Portrait {
    /// From light to bytes: blur, vignette, color grade, a soft shoulder and the display's curve.
    func developed(_ linear: [Colors], size: Int, groups: Int) -> Picture {
        let t = traits
        let warm = Colors([1 + 0.03 * t.grade, 1, 1 - 0.035 * t.grade])
        return Picture(width: size, height: size, channels: 3) { bytes in
            defer {
                if t.blur > 0 {
                    blur(bytes, size: size, radius: max(1, Int(Float(size) * t.blur / 72 + 0.5)))
                }
            }
            for row in 0..<size {
                let dy = (Float(row) + 0.5) / Float(size) - 0.5
                for group in 0..<groups {
                    var c = linear[row * groups + group] * warm
                    let first = Float(group * 4)
                    let dx = Lanes((SIMD4<Float>(0.5, 1.5, 2.5, 3.5) + first) * (1 / Float(size)) - 0.5)
                    let vignette = 1.0 - 0.28 * (dx.squared + Lanes(dy * dy))
                    c = c * vignette
                    c = Colors(shoulder(c.r), shoulder(c.g), shoulder(c.b))
                    for lane in 0..<min(4, size - group * 4) {
                        let at = (row * size + group * 4 + lane) * 3
                        bytes[at] = UInt8(c.r.v[lane])
                        bytes[at + 1] = UInt8(c.g.v[lane])
                        bytes[at + 2] = UInt8(c.b.v[lane])
                    }
                }
            }
        }
    }

    /// Out of focus: two box filters along each axis.
    private func blur(_ bytes: UnsafeMutableBufferPointer<UInt8>, size: Int, radius: Int) {
        var line = [Int](repeating: 0, count: size)
        let width = 2 * radius + 1
        // First along rows, then along columns.
        for (step, stride) in [(3, size * 3), (3, size * 3), (size * 3, 3), (size * 3, 3)] {
            for start in 0..<size {
                for channel in 0..<3 {
                    let first = start * stride + channel
                    for i in 0..<size { line[i] = Int(bytes[first + i * step]) }
                    for i in 0..<size {
                        var sum = radius
                        for k in -radius...radius { sum += line[min(max(i + k, 0), size - 1)] }
                        bytes[first + i * step] = UInt8(sum / width)
                    }
                }
            }
        }
    }

    /// 0...∞ of light to 0.5...255.5 of display value.
    @inline(__always) private func shoulder(_ light: Lanes) -> Lanes {
        let x = high(light, 0.0)
        let pressed = x * (1.0 + x * 0.12) / (1.0 + x * 0.26)
        return low(pressed.root * 255.0 + 0.5, 255.0)
    }
}
