/// Something that a trainer did by itself and that a reader should know.
public struct TrainerEvent: Sendable, Equatable {
    /// A sentence.
    public let text: String
    /// Name of a state that is kept for good as it is now; nil for none.
    public let keptAs: String?

    public init(_ text: String, keptAs: String? = nil) { (self.text, self.keptAs) = (text, keptAs) }
}
