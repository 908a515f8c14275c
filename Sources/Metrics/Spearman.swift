import Foundation

/// Rank correlation: 1 where one number rises whenever the other does, -1 where it falls.
public enum Spearman {
    /// The correlation of the ranks; equal numbers share the mean of theirs. NaN where one side is constant.
    public static func correlation(_ a: [Double], _ b: [Double]) -> Estimate {
        precondition(
            a.count == b.count && a.count > 1,
            "Spearman: expected equal counts, got \(a.count) and \(b.count)")
        let (x, y) = (ranks(a), ranks(b))
        // Of any ranks, shared or not.
        let mean = Double(a.count + 1) / 2
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (p, q) in zip(x, y) {
            xx += (p - mean) * (p - mean)
            yy += (q - mean) * (q - mean)
            xy += (p - mean) * (q - mean)
        }
        guard xx > 0, yy > 0 else {
            return Estimate(value: .nan, notes: ["one side is constant: there is no order"])
        }
        let value = max(-1, min(1, xy / (xx * yy).squareRoot()))
        guard a.count > 3, abs(value) < 1 else { return Estimate(value: value) }
        // Fisher's transformation with the variance of Bonett and Wright (2000).
        let reach = Estimate.width * ((1 + value * value / 2) / Double(a.count - 3)).squareRoot()
        let middle = atanh(value)
        return Estimate(value: value, interval: tanh(middle - reach)...tanh(middle + reach))
    }

    /// 1 for the smallest.
    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for place in start..<end { ranks[order[place]] = Double(start + 1 + end) / 2 }
            start = end
        }
        return ranks
    }
}

/// Numbers in rising order, each with the group that it came from.
struct SortedValues {
    private(set) var values: [Float]
    private(set) var groups: [UInt8]

    /// Sorts by radix, in three passes of 11 bits; `scratch` saves allocations from call to call.
    /// - Parameters:
    ///   - groups: of each value.
    init(_ unsorted: UnsafeBufferPointer<Float>, groups: [UInt8], scratch: inout Scratch) {
        let count = unsorted.count
        precondition(groups.count == count, "SortedValues: expected \(count) groups, got \(groups.count)")
        scratch.grow(to: count)
        var counts = [Int](repeating: 0, count: 3 << 11)
        for index in 0..<count {
            // Bits that rise with the value: negative numbers reversed and below the positive ones.
            let bits = unsorted[index].bitPattern
            let key = bits ^ (bits >> 31 == 1 ? 0xFFFF_FFFF : 0x8000_0000)
            scratch.from[index] = UInt64(key) << 8 | UInt64(groups[index])
            counts[Int(key & 2047)] += 1
            counts[2048 + Int(key >> 11 & 2047)] += 1
            counts[4096 + Int(key >> 22)] += 1
        }
        for pass in 0..<3 {
            var next = 0
            for digit in (pass << 11)..<((pass + 1) << 11) {
                (counts[digit], next) = (next, next + counts[digit])
            }
            let shift = UInt64(8 + 11 * pass)
            for index in 0..<count {
                let item = scratch.from[index]
                let slot = pass << 11 + Int(item >> shift & 2047)
                scratch.to[counts[slot]] = item
                counts[slot] += 1
            }
            swap(&scratch.from, &scratch.to)
        }
        let sorted = scratch.from
        values = [Float](unsafeUninitializedCapacity: count) { buffer, written in
            for index in 0..<count {
                let key = UInt32(truncatingIfNeeded: sorted[index] >> 8)
                buffer[index] = Float(bitPattern: key ^ (key >> 31 == 1 ? 0x8000_0000 : 0xFFFF_FFFF))
            }
            written = count
        }
        self.groups = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: sorted[index]) }
            written = count
        }
    }

    /// What sorting needs besides its result.
    struct Scratch {
        fileprivate var from: [UInt64] = []
        fileprivate var to: [UInt64] = []

        fileprivate mutating func grow(to count: Int) {
            guard from.count < count else { return }
            from = [UInt64](repeating: 0, count: count)
            to = from
        }
    }

    /// The values of all groups but one, still sorted.
    func without(_ group: UInt8) -> [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { buffer, written in
            var place = 0
            for index in values.indices {
                buffer[place] = values[index]
                place += groups[index] == group ? 0 : 1
            }
            written = place
        }
    }

    /// The Wasserstein distance of order 1 between two sets of equal size: the mean difference, rank by rank.
    static func distance(_ a: [Float], _ b: [Float]) -> Double {
        precondition(a.count == b.count, "distance: expected equal counts, got \(a.count) and \(b.count)")
        // Four sums, because a sum in one order would wait for each addition.
        var sums = SIMD4<Double>.zero
        let whole = a.count & ~3
        for index in stride(from: 0, to: whole, by: 4) {
            let difference = SIMD4<Float>(
                a[index] - b[index], a[index + 1] - b[index + 1], a[index + 2] - b[index + 2],
                a[index + 3] - b[index + 3])
            sums += SIMD4<Double>(difference.replacing(with: -difference, where: difference .< 0))
        }
        var sum = sums.sum()
        for index in whole..<a.count { sum += Double(abs(a[index] - b[index])) }
        return sum / Double(max(1, a.count))
    }
}
