/// What is wrong with a settings document: all problems that were found, in the order of the document.
public struct SettingsError: Error, CustomStringConvertible, Equatable {
    /// One problem, with its place.
    public struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// The document's path, as it was given.
        public var path: String
        /// Line and column, from 1; nil when the problem comes from the command line.
        public var line: Int?
        public var column: Int?
        /// The `--set` argument that caused it, such as `training.batch=0`.
        public var override: String?
        /// The dotted key; nil for the document as a whole.
        public var key: String?
        /// What is wrong: one sentence without a full stop.
        public var message: String

        /// `recipe.yaml:3:12: …` or `recipe.yaml: --set a.b=c: …`.
        public var description: String {
            if let override { return "\(path): --set \(override): \(message)" }
            guard let line else { return "\(path): \(message)" }
            return "\(path):\(line):\(column ?? 1): \(message)"
        }
    }

    /// At most `listedProblems` are printed.
    public static let listedProblems = 20

    /// Sorted by line and column; those of `--set` come last.
    public let problems: [Problem]

    package init(_ problems: [Problem]) {
        precondition(!problems.isEmpty, "a settings error needs a problem")
        // Stable: problems at one place stay in the order in which they were found.
        self.problems = problems.enumerated().sorted { a, b in
            let left = (a.element.line ?? .max, a.element.column ?? .max, a.offset)
            let right = (b.element.line ?? .max, b.element.column ?? .max, b.offset)
            return left < right
        }.map(\.element)
    }

    /// One line a problem.
    public var description: String {
        var lines = problems.prefix(Self.listedProblems).map(\.description)
        let rest = problems.count - lines.count
        if rest > 0 { lines.append("… and \(rest) more") }
        return lines.joined(separator: "\n")
    }
}
