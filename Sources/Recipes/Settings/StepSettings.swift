import Models
import Settings

/// How often each network learns in one turn of the game.
public struct StepSettings: SettingsGroup, Equatable {
    /// How the discriminator's steps are counted.
    public enum Kind: String, Sendable, CaseIterable {
        /// As many in every turn.
        case fixed
        /// Fewer or more, so that its accuracy stays in a band.
        case adaptive
    }

    public var kind = Kind.fixed
    /// Steps of the discriminator, each on its own batch of pictures; where they adapt, of a turn within the band.
    public var discriminator = 1
    /// Steps of the generator, each on its own latents after the first.
    public var generator = 1
    /// Accuracy below which the discriminator repeats its step.
    public var low = 0.6
    /// Accuracy above which the discriminator looks without learning; one that does well is at 0.94 to 0.97.
    public var high = 0.95
    /// Share of the accuracy's moving mean that a batch leaves.
    public var memory = 0.9
    /// Turns in a row without learning, at most.
    public var mostSkips = 3
    /// Steps that a turn may add.
    public var mostRepeats = 2

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind, "As many steps in every turn, or as the discriminator's accuracy asks for.")
        try v.integer("discriminator", &discriminator, in: 1...100, "Discriminator's steps in one turn.")
        try v.integer("generator", &generator, in: 1...100, "Generator's steps in one turn.")
        switch kind {
        case .fixed: break
        case .adaptive:
            try v.number(
                "low", &low, in: 0...1, "Accuracy below which the discriminator's step is repeated.")
            try v.number(
                "high", &high, in: 0...1, "Accuracy above which the discriminator's step is skipped.")
            try v.check(low < high, "high", "more than low")
            try v.number(
                "memory", &memory, in: 0...0.999,
                "Share of the accuracy's moving mean that a batch leaves.")
            try v.integer("mostSkips", &mostSkips, in: 0...100, "Turns in a row without learning, at most.")
            try v.integer("mostRepeats", &mostRepeats, in: 0...100, "Steps that a turn may add.")
        }
    }
}
