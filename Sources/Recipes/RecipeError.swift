/// A recipe that does not exist; says what, where and what to do.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
