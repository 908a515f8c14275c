import Settings

/// Noise on everything that the discriminator sees, so that real and generated pictures overlap while they are still far
/// apart (Sønderby et al. 2017, section 3.2).
public struct InstanceNoiseSettings: SettingsGroup, Equatable {
    /// Deviation at the beginning, for pixels in -1...1; 0 for none.
    public var deviation = 0.0
    /// Thousands of images over which it falls to 0.
    public var endKimg = 0.0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "deviation", &deviation, in: 0...10, "Deviation at the beginning, for pixels in -1...1; 0: none.")
        try v.number(
            "endKimg", &endKimg, in: 0...1e9, "Thousands of images over which it falls to 0, on a line.")
        try v.check(deviation == 0 || endKimg > 0, "endKimg", "more than 0 where there is noise")
    }

    /// The deviation after so many thousand images.
    public func deviation(atKimg kimg: Double) -> Double {
        deviation > 0 ? deviation * max(0, 1 - kimg / endKimg) : 0
    }
}
