/// Pretrained weights that are missing, changed or of another network; says what, where and what to do.
public struct WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
