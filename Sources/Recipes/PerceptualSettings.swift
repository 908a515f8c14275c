import Objectives
import Settings

/// Perceptual loss on the maps of a fixed network.
public struct PerceptualSettings: SettingsGroup, Equatable {
    public var loss = PerceptualLoss(.statistics, weight: 0)
    /// `face` for the network of this package, a network of `facegan weights list`, or a run or file of the recipe
    /// `attributes`.
    public var network = "face"
    /// Indices of its maps, from 0; empty for all.
    public var layers: [Int] = []
    /// Smaller pictures, the first ones of a growing network, are not compared.
    public var minSide = 4

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try loss.fields(&v)
        try v.text(
            "network", &network,
            "face, a network of 'facegan weights list', or a run of the recipe attributes.")
        try v.integers("layers", &layers, in: 0...63, "Indices of its maps, from 0 at the pictures; []: all.")
        try v.integer(
            "minSide", &minSide, in: 4...1024,
            "Smaller pictures of a growing network are not compared.")
    }

    /// Rules that every system with a perceptual loss has.
    func check(_ v: inout some FieldVisitor, resolution: Int) throws {
        try v.check(
            loss.weight == 0 || minSide <= resolution, "perceptual.minSide",
            "at most the resolution, \(resolution)")
    }
}
