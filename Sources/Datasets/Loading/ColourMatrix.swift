import Foundation

/// An affine change of RGB values in 0...255.
package struct ColourMatrix {
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

    /// Multiplies the distance from grey.
    package mutating func saturate(by factor: Float) {
        guard factor != 1 else { return }
        var linear = [SIMD3<Float>](repeating: ColourMatrix.luma * (1 - factor), count: 3)
        for i in 0..<3 { linear[i][i] += factor }
        apply(linear)
    }

    /// Turns colours around the grey axis (Rodrigues' formula).
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
        let (first, second, third) = (rows[0], rows[1], rows[2])
        for i in stride(from: 0, to: pixels.count - 2, by: 3) {
            let colour = SIMD4<Float>(Float(pixels[i]), Float(pixels[i + 1]), Float(pixels[i + 2]), 1)
            pixels[i] = ColourMatrix.level((first * colour).sum())
            pixels[i + 1] = ColourMatrix.level((second * colour).sum())
            pixels[i + 2] = ColourMatrix.level((third * colour).sum())
        }
    }

    private static func level(_ value: Float) -> UInt8 {
        UInt8(min(max(value, 0), 255) + 0.5)
    }

    private mutating func apply(_ linear: [SIMD3<Float>]) {
        let old = rows
        for i in 0..<3 { rows[i] = old[0] * linear[i].x + old[1] * linear[i].y + old[2] * linear[i].z }
    }
}
