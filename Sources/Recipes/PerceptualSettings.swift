import Objectives
import Settings

/// Perceptual loss on feature maps of a fixed network (Johnson et al. 2016).
public struct PerceptualSettings: SettingsGroup, Equatable {
    /// Kind and weight of the loss; weight 0 for none.
    public var loss = PerceptualLoss(.statistics, weight: 0)
    /// Feature network: `face` for the bundled face network, a name from `facegan weights list`, or the path of a run or
    /// file of the recipe `attributes`.
    public var network = "face"
    /// Indices of the feature maps, from 0; empty for all.
    public var layers: [Int] = []
    /// Minimum side of compared pictures, in pixels. Growing networks start with smaller ones, which have no loss.
    public var minSide = 4

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try loss.fields(&v)
        try v.text(
            "network", &network,
            "Feature network: face, a name from 'facegan weights list', or a run of the recipe attributes.")
        try v.integers(
            "layers", &layers, in: 0...63, "Indices of the feature maps, from 0 at the input; []: all.")
        try v.integer(
            "minSide", &minSide, in: 4...1024,
            "Minimum side of compared pictures, in pixels, for growing networks.")
    }

    /// Checks rules that apply to every system with a perceptual loss.
    func check(_ v: inout some FieldVisitor, resolution: Int) throws {
        try v.check(
            loss.weight == 0 || minSide <= resolution, "perceptual.minSide",
            "at most the resolution, \(resolution)")
    }
}
