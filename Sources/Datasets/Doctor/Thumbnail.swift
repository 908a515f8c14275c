import Foundation
import Imaging

/// A picture reduced to 16x16 grays, to find out quickly which pictures show the same.
package struct Thumbnail: Sendable, Equatable {
    package static let side = 16
    private static let count = side * side

    /// [16, 16], row by row.
    package let grays: [UInt8]

    package init(_ picture: Picture) {
        let small = picture.rgb().resized(width: Thumbnail.side, height: Thumbnail.side, filter: .box)
        grays = (0..<Thumbnail.count).map { i in
            let (r, g, b) = (
                Int(small.pixels[3 * i]), Int(small.pixels[3 * i + 1]), Int(small.pixels[3 * i + 2])
            )
            return UInt8((299 * r + 587 * g + 114 * b + 500) / 1000)
        }
    }

    private init(grays: [UInt8]) {
        self.grays = grays
    }

    package var mirrored: Thumbnail {
        let side = Thumbnail.side
        return Thumbnail(grays: (0..<Thumbnail.count).map { grays[$0 - $0 % side + side - 1 - $0 % side] })
    }

    /// Whether all of the picture has nearly one gray.
    package var isBlank: Bool { spread < 2 }

    /// Standard deviation of the grays, in levels.
    package var spread: Float {
        let mean = self.mean
        return (grays.reduce(0) { $0 + (Float($1) - mean) * (Float($1) - mean) } / Float(Thumbnail.count))
            .squareRoot()
    }

    private var mean: Float { Float(grays.reduce(0) { $0 + Int($1) }) / Float(Thumbnail.count) }

    /// How much two thumbnails differ besides their brightness: the mean of the absolute differences, in levels.
    package func difference(to other: Thumbnail) -> Float {
        let shift = Int32((other.mean - mean).rounded())
        return grays.withUnsafeBufferPointer { a in
            other.grays.withUnsafeBufferPointer { b in
                var sum: Int32 = 0
                for i in 0..<Thumbnail.count { sum &+= abs(Int32(b[i]) - Int32(a[i]) - shift) }
                return Float(sum) / Float(Thumbnail.count)
            }
        }
    }

    /// The 64 lowest spatial frequencies besides the mean, by the discrete cosine transform.
    package var frequencies: [Float] {
        let side = Thumbnail.side
        // Rows first, then columns.
        var rows = [Float](repeating: 0, count: side * 9)
        for y in 0..<side {
            for u in 0..<9 {
                var sum: Float = 0
                for x in 0..<side { sum += Float(grays[y * side + x]) * Thumbnail.basis[u * side + x] }
                rows[y * 9 + u] = sum
            }
        }
        return Thumbnail.used.map { u, v in
            (0..<side).reduce(Float(0)) { $0 + rows[$1 * 9 + u] * Thumbnail.basis[v * side + $1] }
        }
    }

    /// 8x8 frequencies; (8, 0) takes the place of the mean.
    private static let used: [(u: Int, v: Int)] = (0..<64).map { $0 == 0 ? (8, 0) : ($0 % 8, $0 / 8) }

    private static let basis: [Float] = (0..<9).flatMap { u in
        (0..<side).map { x in cos(Float.pi * Float(u) * (Float(x) + 0.5) / Float(side)) }
    }
}
