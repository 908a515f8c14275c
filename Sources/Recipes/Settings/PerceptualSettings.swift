import Objectives
import Settings

/// Whose maps made pictures should share with real ones.
public struct PerceptualSettings: SettingsGroup, Equatable {
    public var loss = PerceptualLoss(.statistics, weight: 0)
    /// `face` for the network that comes with the program, a network of `facegan weights list`, or a run or file of the
    /// recipe `attributes`.
    public var network = "face"
    /// Which of its maps, counted from 0; empty for all.
    public var layers: [Int] = []
    /// Pictures of a smaller side are not compared: a network that grows makes them first, and the other knows none.
    public var leastSide = 4

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try loss.fields(&v)
        try v.text(
            "network", &network, "face, a network of 'facegan weights list', or a run of attributes.")
        try v.integers("layers", &layers, in: 0...63, "Maps that count, from 0 at the pictures; []: all.")
        try v.integer(
            "leastSide", &leastSide, in: 4...1024,
            "Smaller pictures, a growing network's first, do not count.")
    }
}
