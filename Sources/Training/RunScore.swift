/// How good the state of a run is, by one measure.
public struct RunScore: Sendable, Equatable {
    /// Its key in the log and in a saved state.
    public let name: String
    /// As a reader knows it.
    public let label: String
    public let value: Double
    /// Standard error.
    public let error: Double
    /// What it is made of; keys follow `name`.
    public let parts: [(key: String, value: Double)]
    public let isLowerBetter: Bool

    public init(
        name: String, label: String, value: Double, error: Double, parts: [(key: String, value: Double)] = [],
        isLowerBetter: Bool = true
    ) {
        (self.name, self.label, self.value, self.error) = (name, label, value, error)
        (self.parts, self.isLowerBetter) = (parts, isLowerBetter)
    }

    /// Whether this is better than an earlier value of the same measure; nil for none.
    public func isBetter(than other: Double?) -> Bool {
        other.map { isLowerBetter ? value < $0 : value > $0 } ?? true
    }

    public static func == (a: RunScore, b: RunScore) -> Bool {
        a.name == b.name && a.value == b.value && a.error == b.error
            && a.parts.elementsEqual(b.parts) { $0 == $1 }
    }
}
