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
