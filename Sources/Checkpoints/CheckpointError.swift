/// A state or model that cannot be read, written or used; says what, where and what to do.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}
