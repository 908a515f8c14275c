/// What a supervisor says of a run.
public struct Diagnosis: Sendable, Equatable {
    /// What is wrong.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// The discriminator is right about every picture, and sure of it.
        case strongDiscriminator = "strong-discriminator"
        /// Generated pictures have become alike.
        case collapse
        /// The generator receives no gradient.
        case frozenGenerator = "frozen-generator"
        /// The penalty on the discriminator is many times what it was.
        case penaltySpike = "penalty-spike"
    }

    public let kind: Kind
    /// What was seen, and what to try; empty where it is over.
    public let text: String
    /// Whether this is the end of what was said before.
    public var isOver: Bool { text.isEmpty }

    init(_ kind: Kind, _ text: String = "") { (self.kind, self.text) = (kind, text) }
}
