/// Why a state does not fit a module: every key that is missing, unexpected or of another shape.
public struct StateMismatch: Error, CustomStringConvertible, Sendable {
    /// A key whose shapes differ.
    public struct Misshaped: Sendable, Equatable {
        public let key: String
        public let expected: [Int]
        public let received: [Int]
    }

    public let missing: [String]
    public let unexpected: [String]
    public let misshaped: [Misshaped]

    public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshaped.isEmpty }

    public var description: String {
        var lines: [String] = []
        if !missing.isEmpty { lines.append("missing (\(missing.count)): " + missing.joined(separator: ", ")) }
        if !unexpected.isEmpty {
            lines.append("unexpected (\(unexpected.count)): " + unexpected.joined(separator: ", "))
        }
        if !misshaped.isEmpty {
            let list = misshaped.map { "\($0.key) expected \($0.expected), got \($0.received)" }
            lines.append("of another shape (\(misshaped.count)): " + list.joined(separator: "; "))
        }
        return "the weights do not fit the network\n  " + lines.joined(separator: "\n  ")
    }
}
