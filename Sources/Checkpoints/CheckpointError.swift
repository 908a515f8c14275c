import Settings

/// A state or model that cannot be read, written or used; says what, where and what to do.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }

    /// For a name that a model does not know, with the nearest one that it does.
    static func noAttribute(_ name: String, among known: [String]) -> CheckpointError {
        let near = Suggestion.closest(to: name, in: known).map { " Did you mean `\($0)`?" } ?? ""
        return CheckpointError(
            "\(name): not an attribute of this model.\(near) It knows " + known.joined(separator: ", "))
    }
}
