/// Error with all problems of a settings document, in the order of the document.
public struct SettingsError: Error, CustomStringConvertible, Equatable {
    /// One problem and its place.
    public struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// Path of the document.
        public var path: String
        /// Line, from 1; nil if the problem comes from the command line.
        public var line: Int?
        /// Column, from 1; nil if the problem comes from the command line.
        public var column: Int?
        /// The `--set` argument with the problem, such as `training.batch=0`; nil for the file.
        public var override: String?
        /// Dotted key of the setting; nil for the document as a whole.
        public var key: String?
        /// Message: one sentence without a full stop.
        public var message: String

        /// Message with its place, such as `recipe.yaml:3:12: …` or `recipe.yaml: --set a.b=c: …`.
        public var description: String {
            if let override { return "\(path): --set \(override): \(message)" }
            guard let line else { return "\(path): \(message)" }
            return "\(path):\(line):\(column ?? 1): \(message)"
        }
    }

    /// Maximum number of problems in `description`.
    public static let listedProblems = 20

    /// Problems by line and column, followed by those of `--set`.
    public let problems: [Problem]

    package init(_ problems: [Problem]) {
        precondition(!problems.isEmpty, "a settings error needs a problem")
        // A stable sort: problems at one place keep their order.
        self.problems = problems.enumerated().sorted { a, b in
            let left = (a.element.line ?? .max, a.element.column ?? .max, a.offset)
            let right = (b.element.line ?? .max, b.element.column ?? .max, b.offset)
            return left < right
        }.map(\.element)
    }

    /// One line per problem, at most `listedProblems`.
    public var description: String {
        var lines = problems.prefix(Self.listedProblems).map(\.description)
        let rest = problems.count - lines.count
        if rest > 0 { lines.append("… and \(rest) more") }
        return lines.joined(separator: "\n")
    }
}
