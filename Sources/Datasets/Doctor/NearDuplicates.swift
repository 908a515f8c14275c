import Foundation
import Imaging

/// Finds pictures that show the same: another size, another compression, another brightness, or mirrored.
///
/// Every picture gets 64 bits: for each of 64 low frequencies of its thumbnail, whether it lies above the data set's
/// median. Pictures whose bits differ in few places are compared by their thumbnails. To find them without comparing all
/// with all, the bits are looked up in four tables of 16 (multi-index hashing: Norouzi, Punjani and Fleet, "Fast search in
/// Hamming space with multi-index hashing", 2012).
package struct NearDuplicates {
    /// Two pictures that show the same.
    package struct Pair: Sendable, Equatable {
        package let first: Int
        package let second: Int
        /// Mean absolute difference of the thumbnails in gray levels.
        package let difference: Float
        package let isMirrored: Bool
    }

    /// The largest difference of thumbnails that counts as the same picture: in gray levels, and as a part of the
    /// thumbnails' own spread. Within these limits every pair in 18,023 pictures of CelebA shows one photograph.
    private static let levels: Float = 7
    private static let part: Float = 0.13
    /// How many of the 64 bits may differ. With four tables of 16 bits, one of them differs in at most one bit.
    private static let radius = 7
    /// Up to this many pictures all are compared with all: medians of a few say little.
    private static let exhaustive = 1500

    /// - Parameters:
    ///   - thumbnails: those of pictures that are all different files.
    ///   - cancelled: asked now and then; the pairs so far are returned.
    /// - Returns: pairs of indices into `thumbnails`, `first < second`, in ascending order.
    package static func find(in thumbnails: [Thumbnail], cancelled: () -> Bool = { false }) -> [Pair] {
        let pairs =
            thumbnails.count <= exhaustive
            ? compareAll(thumbnails, cancelled) : search(thumbnails, cancelled)
        return pairs.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
    }

    private static func compareAll(_ thumbnails: [Thumbnail], _ cancelled: () -> Bool) -> [Pair] {
        var pairs: [Pair] = []
        for first in thumbnails.indices {
            if cancelled() { break }
            let mirrored = thumbnails[first].mirrored
            for second in thumbnails.indices[(first + 1)...] {
                if let pair = confirm(first, second, thumbnails, mirrored) { pairs.append(pair) }
            }
        }
        return pairs
    }

    private static func search(_ thumbnails: [Thumbnail], _ cancelled: () -> Bool) -> [Pair] {
        let frequencies = thumbnails.map(\.frequencies)
        let medians = (0..<64).map { k in median(frequencies.map { $0[k] }) }
        func bits(_ frequencies: [Float]) -> UInt64 {
            (0..<64).reduce(0) { $0 | (frequencies[$1] > medians[$1] ? 1 << UInt64($1) : 0) }
        }
        let codes = frequencies.map(bits)
        let tables = (0..<4).map { BandTable(codes, shift: UInt64(16 * $0)) }

        var pairs: [Pair] = []
        var seen = [Int32](repeating: -1, count: codes.count)
        for first in codes.indices {
            if first % 1024 == 0, cancelled() { break }
            let mirrored = thumbnails[first].mirrored
            for code in [codes[first], bits(mirrored.frequencies)] {
                for table in tables {
                    table.forEachNear(code) { second in
                        guard second > first, seen[second] != Int32(first),
                            (codes[second] ^ code).nonzeroBitCount <= radius
                        else { return }
                        seen[second] = Int32(first)
                        if let pair = confirm(first, second, thumbnails, mirrored) { pairs.append(pair) }
                    }
                }
            }
        }
        return pairs
    }

    /// Compares two thumbnails, straight and mirrored.
    private static func confirm(_ first: Int, _ second: Int, _ all: [Thumbnail], _ mirrored: Thumbnail)
        -> Pair?
    {
        // All pictures of one color look the same without showing the same.
        guard !all[first].isBlank, !all[second].isBlank else { return nil }
        let tolerance = min(levels, part * min(all[first].spread, all[second].spread))
        let straight = all[first].difference(to: all[second])
        if straight <= tolerance {
            return Pair(first: first, second: second, difference: straight, isMirrored: false)
        }
        let turned = mirrored.difference(to: all[second])
        guard turned <= tolerance else { return nil }
        return Pair(first: first, second: second, difference: turned, isMirrored: true)
    }

    private static func median(_ values: [Float]) -> Float {
        values.sorted()[values.count / 2]
    }
}

/// Items by 16 of their 64 bits, as one flat array with an offset for every value of the bits.
private struct BandTable {
    private let shift: UInt64
    private var starts = [Int32](repeating: 0, count: 65_537)
    private var items: [Int32]

    init(_ codes: [UInt64], shift: UInt64) {
        self.shift = shift
        items = [Int32](repeating: 0, count: codes.count)
        for code in codes { starts[Int(code >> shift & 0xFFFF) + 1] += 1 }
        for key in 1...65_536 { starts[key] += starts[key - 1] }
        var next = starts
        for (item, code) in codes.enumerated() {
            let key = Int(code >> shift & 0xFFFF)
            items[Int(next[key])] = Int32(item)
            next[key] += 1
        }
    }

    /// Visits the items whose bits differ from the code's in at most one place.
    func forEachNear(_ code: UInt64, _ body: (Int) -> Void) {
        let key = Int(code >> shift & 0xFFFF)
        visit(key, body)
        for bit in 0..<16 { visit(key ^ (1 << bit), body) }
    }

    private func visit(_ key: Int, _ body: (Int) -> Void) {
        for i in starts[key]..<starts[key + 1] { body(Int(items[Int(i)])) }
    }
}

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
