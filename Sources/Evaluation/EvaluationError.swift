/// Why pictures cannot be judged or compared; says what, where and what to do.
public struct EvaluationError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}
