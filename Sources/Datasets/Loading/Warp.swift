import Foundation

/// A turn, a zoom and a shift in one bilinear resampling; what lies outside is the reflection of what lies inside.
package struct Warp {
    /// Side of the shown part over side of the sample: below 1 enlarges.
    let zoom: Float
    /// Radians, counter-clockwise.
    let angle: Float
    let isFlipped: Bool
    /// Where the middle of the shown part lies from the middle of the sample, in pixels.
    let shiftX: Float
    let shiftY: Float

    package init(zoom: Float, angle: Float, isFlipped: Bool, shiftX: Float, shiftY: Float) {
        self.zoom = zoom
        self.angle = angle
        self.isFlipped = isFlipped
        self.shiftX = shiftX
        self.shiftY = shiftY
    }

    /// Both buffers are [size, size, 3].
    package func apply(
        from source: UnsafeRawBufferPointer, to target: UnsafeMutableBufferPointer<UInt8>, size: Int
    ) {
        precondition(
            source.count >= size * size * 3 && target.count >= size * size * 3 && size < 1 << 14,
            "Warp: expected buffers of \(size)x\(size)x3")
        guard size > 0, let source = source.baseAddress, var out = target.baseAddress else { return }
        let middle = Float(size) / 2
        let cosine = cos(angle) * zoom
        let sine = sin(angle) * zoom
        let sign: Float = isFlipped ? -1 : 1
        // Coordinates in 1/65536 of a pixel; pixel centers lie at halves.
        let stepX = Int((cosine * sign * 65_536).rounded())
        let stepY = Int((sine * sign * 65_536).rounded())
        let first = (0.5 - middle) * sign
        for y in 0..<size {
            let dy = Float(y) + 0.5 - middle
            var sx = Int(((middle + shiftX + cosine * first - sine * dy - 0.5) * 65_536).rounded())
            var sy = Int(((middle + shiftY + sine * first + cosine * dy - 0.5) * 65_536).rounded())
            for _ in 0..<size {
                let (left, top) = (sx >> 16, sy >> 16)
                let u = Int32(truncatingIfNeeded: sx >> 8 & 255)
                let v = Int32(truncatingIfNeeded: sy >> 8 & 255)
                sx &+= stepX
                sy &+= stepY
                var (x0, x1, y0, y1) = (left, left &+ 1, top, top &+ 1)
                if left < 0 || top < 0 || x1 >= size || y1 >= size {
                    x0 = reflect(x0, size)
                    x1 = reflect(x1, size)
                    y0 = reflect(y0, size)
                    y1 = reflect(y1, size)
                }
                let upperRow = source + y0 &* size &* 3
                let lowerRow = source + y1 &* size &* 3
                let (near, far) = (x0 &* 3, x1 &* 3)
                for channel in 0..<3 {
                    let a = Int32(upperRow.load(fromByteOffset: near &+ channel, as: UInt8.self))
                    let b = Int32(upperRow.load(fromByteOffset: far &+ channel, as: UInt8.self))
                    let c = Int32(lowerRow.load(fromByteOffset: near &+ channel, as: UInt8.self))
                    let d = Int32(lowerRow.load(fromByteOffset: far &+ channel, as: UInt8.self))
                    let upper = (a << 8) &+ (b &- a) &* u
                    let lower = (c << 8) &+ (d &- c) &* u
                    let mixed = (upper << 8) &+ (lower &- upper) &* v
                    out[channel] = UInt8(truncatingIfNeeded: (mixed &+ 0x8000) >> 16)
                }
                out += 3
            }
        }
    }

    /// …2 1 0 | 0 1 2 … n-1 | n-1 n-2 …
    private func reflect(_ index: Int, _ size: Int) -> Int {
        if index >= 0, index < size { return index }
        let folded = ((index % (2 * size)) + 2 * size) % (2 * size)
        return folded < size ? folded : 2 * size - 1 - folded
    }
}
