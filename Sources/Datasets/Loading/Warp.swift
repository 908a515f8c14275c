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
        let middle = Float(size) / 2
        let cosine = cos(angle) * zoom
        let sine = sin(angle) * zoom
        let sign: Float = isFlipped ? -1 : 1
        var at = 0
        for y in 0..<size {
            let dy = Float(y) + 0.5 - middle
            for x in 0..<size {
                let dx = (Float(x) + 0.5 - middle) * sign
                // Pixel centres lie at halves.
                let sx = middle + shiftX + cosine * dx - sine * dy - 0.5
                let sy = middle + shiftY + sine * dx + cosine * dy - 0.5
                let left = sx.rounded(.down)
                let top = sy.rounded(.down)
                let u = Int32((sx - left) * 256)
                let v = Int32((sy - top) * 256)
                let x0 = reflect(Int(left), size) * 3
                let x1 = reflect(Int(left) + 1, size) * 3
                let y0 = reflect(Int(top), size) * size * 3
                let y1 = reflect(Int(top) + 1, size) * size * 3
                for channel in 0..<3 {
                    let a = Int32(source[y0 + x0 + channel])
                    let b = Int32(source[y0 + x1 + channel])
                    let c = Int32(source[y1 + x0 + channel])
                    let d = Int32(source[y1 + x1 + channel])
                    let upper = (a << 8) + (b - a) * u
                    let lower = (c << 8) + (d - c) * u
                    let mixed = (upper << 8) + (lower - upper) * v
                    target[at + channel] = UInt8(truncatingIfNeeded: (mixed + 0x8000) >> 16)
                }
                at += 3
            }
        }
    }

    /// …2 1 0 | 0 1 2 … n-1 | n-1 n-2 …
    @inline(__always)
    private func reflect(_ index: Int, _ size: Int) -> Int {
        if index >= 0, index < size { return index }
        let folded = ((index % (2 * size)) + 2 * size) % (2 * size)
        return folded < size ? folded : 2 * size - 1 - folded
    }
}
