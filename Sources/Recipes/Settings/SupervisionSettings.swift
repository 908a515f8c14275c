import Settings

/// What watches a run, speaks up, and goes back when numbers overflow; changes nothing in a run that is well, so it may
/// differ after a resume.
public struct SupervisionSettings: SettingsGroup, Equatable {
    public var isOn = true
    /// How often a run goes back to its last good state when it diverges; 0 for never.
    public var tries = 3
    /// Steps over which something must hold before it is said.
    public var patienceSteps = 200
    /// Size of a loss that counts as diverged.
    public var lossLimit = 1e5

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.flag("isOn", &isOn, "Watches the run, and goes back by itself when it diverges.")
        try v.integer(
            "tries", &tries, in: 0...100,
            "How often a diverged run goes back to its last good state, each time with half the learning rates."
        )
        try v.integer(
            "patienceSteps", &patienceSteps, in: 1...1_000_000,
            "Steps over which something must hold before it is said.")
        try v.number("lossLimit", &lossLimit, in: 1...1e30, "Size of a loss that counts as diverged.")
    }
}
