import Torch

/// The attributes that a conditional generator takes, and how they went together in the pictures that it learnt from.
public struct LabelRows: Sendable, Equatable {
    public let names: [String]
    /// [count, names]: 1, -1, or 0 for unknown.
    public let values: [Int8]

    public init(names: [String], values: [Int8]) {
        precondition(!names.isEmpty && values.count % names.count == 0, "LabelRows: expected whole rows")
        (self.names, self.values) = (names, values)
    }

    /// Rows.
    public var count: Int { values.count / names.count }

    /// One row, with what is asked in it.
    ///
    /// What is not asked comes from a row that agrees with all that is; where there is none, from one of those that agree
    /// with most. So a beard brings no lipstick, unless both are asked for.
    /// - Parameters:
    ///   - asked: values of 1 or -1 by the index of their name.
    ///   - share: 0..<1, which of the rows.
    public func row(asked: [Int: Int8], share: Double) -> [Int8] {
        guard count > 0 else { return names.indices.map { asked[$0] ?? 0 } }
        var (best, found) = (-1, [Int]())
        for row in 0..<count {
            let agreeing = asked.count { values[row * names.count + $0.key] == $0.value }
            if agreeing > best { (best, found) = (agreeing, []) }
            if agreeing == best { found.append(row) }
        }
        let chosen = found[min(found.count - 1, Int(share * Double(found.count)))]
        return names.indices.map { asked[$0] ?? values[chosen * names.count + $0] }
    }
}
