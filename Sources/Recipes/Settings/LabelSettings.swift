import Settings

/// What a face network learns of the labels.
public struct LabelSettings: SettingsGroup, Equatable {
    /// Share that a target is moved towards one half (Szegedy et al. 2016).
    public var smoothing = 0.0
    /// Parameter of the Beta distribution that pairs of pictures are mixed with (Zhang et al. 2018); 0 for none.
    public var mixUp = 0.0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("smoothing", &smoothing, in: 0...0.5, "Share that a target is moved towards one half.")
        try v.number(
            "mixUp", &mixUp, in: 0...10,
            "Beta parameter of the share that two pictures are mixed with; 0: off.")
    }
}
