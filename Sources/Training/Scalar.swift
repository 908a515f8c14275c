/// One value of a training log, and where it is shown.
public struct Scalar: Sendable, Equatable {
    /// Its key in the log.
    public let key: String
    /// Its curve, such as `loss/generator`.
    public let curve: String
    /// What stands before it on the progress line, after the label of its group.
    public let group: String
    /// Empty for a value that the line does not show.
    public let label: String
    public let value: Double

    public init(_ key: String, _ curve: String, _ place: (group: String, label: String), _ value: Double) {
        (self.key, self.curve, self.value) = (key, curve, value)
        (group, label) = place
    }

    /// A value for the log and the curves alone.
    public init(_ key: String, _ curve: String, _ value: Double) { self.init(key, curve, ("", ""), value) }
}
