import Foundation

/// An affine change of RGB values in 0...255.
package struct ColorMatrix {
    /// Three rows of r, g, b and constant.
    private var rows: [SIMD4<Float>] = [SIMD4(1, 0, 0, 0), SIMD4(0, 1, 0, 0), SIMD4(0, 0, 1, 0)]

    package init() {}

    /// Weights of ITU-R BT.601's luma.
    private static let luma = SIMD3<Float>(0.299, 0.587, 0.114)

    /// Multiplies the distance from `middle`.
    package mutating func scale(by factor: Float, around middle: Float) {
        guard factor != 1 else { return }
        for i in 0..<3 {
            rows[i] *= factor
            rows[i].w += middle * (1 - factor)
        }
    }

    /// Multiplies the distance from gray.
    package mutating func saturate(by factor: Float) {
        guard factor != 1 else { return }
        var linear = [SIMD3<Float>](repeating: ColorMatrix.luma * (1 - factor), count: 3)
        for i in 0..<3 { linear[i][i] += factor }
        apply(linear)
    }

    /// Turns colors around the gray axis (Rodrigues' formula).
    package mutating func turnHue(by radians: Float) {
        guard radians != 0 else { return }
        let cosine = cos(radians)
        let along = (1 - cosine) / 3
        let across = sin(radians) / Float(3).squareRoot()
        apply([
            SIMD3(cosine + along, along - across, along + across),
            SIMD3(along + across, cosine + along, along - across),
            SIMD3(along - across, along + across, cosine + along),
        ])
    }

    /// `pixels` is [n, 3].
    package func apply(to pixels: UnsafeMutableBufferPointer<UInt8>) {
        guard var pixel = pixels.baseAddress else { return }
        // In 1/65536, rounded by the constant; a factor of 100 still fits.
        func fixed(_ value: Float) -> Int { Int((value * 65_536).rounded()) }
        let m = rows.map { row in (fixed(row.x), fixed(row.y), fixed(row.z), fixed(row.w) + 32_768) }
        let (m0, m1, m2) = (m[0], m[1], m[2])
        for _ in 0..<(pixels.count / 3) {
            let (r, g, b) = (Int(pixel[0]), Int(pixel[1]), Int(pixel[2]))
            pixel[0] = ColorMatrix.level(m0.0 &* r &+ m0.1 &* g &+ m0.2 &* b &+ m0.3)
            pixel[1] = ColorMatrix.level(m1.0 &* r &+ m1.1 &* g &+ m1.2 &* b &+ m1.3)
            pixel[2] = ColorMatrix.level(m2.0 &* r &+ m2.1 &* g &+ m2.2 &* b &+ m2.3)
            pixel += 3
        }
    }

    private static func level(_ fixed: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(fixed >> 16, 0), 255))
    }

    private mutating func apply(_ linear: [SIMD3<Float>]) {
        let old = rows
        for i in 0..<3 { rows[i] = old[0] * linear[i].x + old[1] * linear[i].y + old[2] * linear[i].z }
    }
}
