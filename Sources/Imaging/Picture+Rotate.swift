import Foundation

extension Picture {
    /// The picture turned about its center, in its own size; bilinear, with the edges mirrored outwards.
    ///
    /// - Parameter degrees: anticlockwise.
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

    /// A coordinate folded back into 0...`size` - 1, as between two mirrors.
    private static func mirrored(_ value: Float, _ size: Int) -> Float {
        let last = Float(size - 1)
        if last == 0 { return 0 }
        var folded = value.magnitude.truncatingRemainder(dividingBy: 2 * last)
        if folded > last { folded = 2 * last - folded }
        return min(max(folded, 0), last)
    }
}
