/// A run directory that cannot be used; says what, where and what to do.
public struct RunError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
