import Settings

/// The order in which a restorer learns: coarse things from bent pictures, then fine ones, and against a critic at last.
///
/// Each phase ends when the loss of pixels has stopped to fall, or at its limit; the last one goes on to the run's end.
public struct PhasesSettings: SettingsGroup, Equatable {
    /// Bent inputs, where the recipe has them.
    public var warp = PhaseSettings(mostKimg: 0)
    /// The same while random weights rest at each step; goes on in all later phases.
    public var dropout = PhaseSettings(mostKimg: 0)
    /// Inputs as they are.
    public var plain = PhaseSettings(mostKimg: 0)
    /// Weight of the critic's opinion in the last phase; 0: there is no such phase, and no critic.
    public var adversarialWeight = 0.0
    /// Whether the perceptual term waits for the critic.
    public var pixelsFirst = false
    /// Thousands of images over which a loss must fall.
    public var patienceKimg = 20.0
    /// Share by which it must fall.
    public var leastGain = 0.01
    /// A loss of pixels that is so many times what it was before the critic sends the network back.
    public var collapseFactor = 2.0
    /// How often it is sent back, each time with half the critic's weight, before the run ends.
    public var tries = 3
    /// Chance of a weight to move in a step with dropout.
    public var dropoutRate = 0.3

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.group("warp", &warp, "Bent inputs, where the recipe has them.")
        try v.group("dropout", &dropout, "Random weights rest at each step, from here on.")
        try v.group("plain", &plain, "Inputs as they are.")
        try v.number(
            "dropoutRate", &dropoutRate, in: 0.01...1, "Chance of a weight to move in a step with dropout.")
        try v.flag("pixelsFirst", &pixelsFirst, "The perceptual term waits for the critic.")
        try v.number(
            "patienceKimg", &patienceKimg, in: 0.01...1e6, "Thousands of images over which a loss must fall.")
        try v.number("leastGain", &leastGain, in: 0...1, "Share by which it must fall.")
        try v.number(
            "adversarialWeight", &adversarialWeight, in: 0...1e6,
            "Weight of the critic's opinion in the last phase; 0: no such phase.")
        try v.number(
            "collapseFactor", &collapseFactor, in: 1.01...1e6,
            "A loss of pixels so many times what it was sends the network back to before the critic.")
        try v.integer("tries", &tries, in: 0...100, "How often, with half the critic's weight each time.")
    }
}
