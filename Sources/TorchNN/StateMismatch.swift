import Torch

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

    /// Compares keys and shapes.
    public init(own: [(key: String, tensor: Tensor)], given: [(key: String, tensor: Tensor)]) {
        let shapes = Dictionary(
            given.map { ($0.key, $0.tensor.shape) }, uniquingKeysWith: { first, _ in first })
        let known = Set(own.map(\.key))
        missing = own.map(\.key).filter { shapes[$0] == nil }
        unexpected = given.map(\.key).filter { !known.contains($0) }
        misshaped = own.compactMap { key, tensor in
            guard let shape = shapes[key], shape != tensor.shape else { return nil }
            return .init(key: key, expected: tensor.shape, received: shape)
        }
    }

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
