import Settings

/// How long a phase of a run lasts: until what is watched no longer falls, within limits.
public struct PhaseSettings: SettingsGroup, Equatable {
    /// Thousands of images at least; with `mostKimg` 0 there is no such phase.
    public var leastKimg = 0.0
    /// Thousands of images at most; 0: none at all.
    public var mostKimg = 0.0

    public init() {}

    public init(leastKimg: Double = 0, mostKimg: Double) {
        (self.leastKimg, self.mostKimg) = (leastKimg, mostKimg)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("leastKimg", &leastKimg, in: 0...1e6, "Thousands of images at least.")
        try v.number("mostKimg", &mostKimg, in: 0...1e6, "Thousands of images at most; 0: no such phase.")
        try v.check(leastKimg <= mostKimg, "leastKimg", "at most mostKimg")
    }
}
