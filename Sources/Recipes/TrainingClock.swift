/// How far a run is.
public struct TrainingClock: Sendable, Equatable {
    /// Turns of the game.
    public var steps = 0
    /// Real images that the discriminator has seen.
    public var images = 0

    public init(steps: Int = 0, images: Int = 0) { (self.steps, self.images) = (steps, images) }

    /// Images in thousands.
    public var kimg: Double { Double(images) / 1000 }
}
