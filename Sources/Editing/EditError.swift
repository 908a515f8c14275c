import Settings

/// Error for directions or edits that are not possible. The description names what, where and a remedy.
public struct EditError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Message for the user.
    public let description: String

    /// - Parameter description: message for the user.
    public init(_ description: String) { self.description = description }

    /// Error for a name that is not known, with the nearest one.
    static func unknown(_ name: String, among known: [String], what: String) -> EditError {
        let near = Suggestion.closest(to: name, in: known).map { " Did you mean `\($0)`?" } ?? ""
        return EditError("\(name): not an \(what).\(near) Known: \(known.joined(separator: ", "))")
    }
}
