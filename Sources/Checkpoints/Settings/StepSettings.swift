import Settings

/// How often each network learns in one turn of the game.
public struct StepSettings: SettingsGroup, Equatable {
    /// Steps of the discriminator, each on its own batch of pictures.
    public var discriminator = 1
    /// Steps of the generator, each on its own latents after the first.
    public var generator = 1

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("discriminator", &discriminator, in: 1...100, "Discriminator's steps in one turn.")
        try v.integer("generator", &generator, in: 1...100, "Generator's steps in one turn.")
    }
}
