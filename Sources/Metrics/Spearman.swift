import Foundation

/// Spearman's rank correlation: 1 for an increasing relation, -1 for a decreasing one.
public enum Spearman {
    /// Correlation of the ranks of two lists of equal length, with its interval. Ties have their mean rank.
    ///
    /// The value is NaN if one list is constant.
    public static func correlation(_ a: [Double], _ b: [Double]) -> Estimate {
        precondition(
            a.count == b.count && a.count > 1,
            "Spearman: expected two lists of equal length of 2 or more, got \(a.count) and \(b.count) values")
        let (x, y) = (ranks(a), ranks(b))
        // The mean rank, with or without ties.
        let mean = Double(a.count + 1) / 2
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (p, q) in zip(x, y) {
            xx += (p - mean) * (p - mean)
            yy += (q - mean) * (q - mean)
            xy += (p - mean) * (q - mean)
        }
        guard xx > 0, yy > 0 else {
            return Estimate(value: .nan, notes: ["one list is constant: the correlation is undefined"])
        }
        let value = max(-1, min(1, xy / (xx * yy).squareRoot()))
        guard a.count > 3, abs(value) < 1 else { return Estimate(value: value) }
        // Fisher's transformation with the variance of Bonett and Wright (2000).
        let reach = Estimate.normalQuantile * ((1 + value * value / 2) / Double(a.count - 3)).squareRoot()
        let middle = atanh(value)
        return Estimate(value: value, interval: tanh(middle - reach)...tanh(middle + reach))
    }

    /// Ranks from 1 for the smallest value; ties have their mean rank.
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
