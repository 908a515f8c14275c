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

    /// Rows with what is asked in them, one for each share in 0..<1.
    ///
    /// What is not asked comes from a row that agrees with all that is; where there is none, from one of those that agree
    /// with most. So a beard brings no lipstick, unless both are asked for.
    /// - Parameter asked: values of 1 or -1 by the index of their name.
    public func rows(asked: [Int: Int8], shares: [Double]) -> [[Int8]] {
        let found = rows(agreeingWith: asked)
        return shares.map { share in
            guard !found.isEmpty else { return names.indices.map { asked[$0] ?? 0 } }
            let start = found[min(found.count - 1, Int(share * Double(found.count)))] * names.count
            return names.indices.map { asked[$0] ?? values[start + $0] }
        }
    }

    /// The rows that agree with most of what is asked.
    private func rows(agreeingWith asked: [Int: Int8]) -> [Int] {
        guard !asked.isEmpty else { return Array(0..<count) }
        var (best, found) = (-1, [Int]())
        for row in 0..<count {
            let agreeing = asked.count { values[row * names.count + $0.key] == $0.value }
            if agreeing > best { (best, found) = (agreeing, []) }
            if agreeing == best { found.append(row) }
        }
        return found
    }
}
