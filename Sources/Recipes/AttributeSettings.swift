import Models
import Settings

/// Settings of a face network that recognizes attributes.
public struct AttributeSettings: SystemSettings {
    public var network = FaceNetworkSettings()
    public var labels = LabelSettings()
    public var optimizer = OptimizerSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        try v.group("network", &network, "From pictures to attributes.")
        try v.group("labels", &labels, "Targets of the training.")
        try v.group("optimizer", &optimizer, "Optimizer of the network.")
    }
}

/// Targets of a face network.
public struct LabelSettings: SettingsGroup, Equatable {
    /// Label smoothing: targets are moved towards one half by this fraction (Szegedy et al. 2016, section 7).
    public var smoothing = 0.0
    /// Parameter of mixup's Beta distribution (Zhang et al. 2018); 0 for no mixup.
    public var mixUp = 0.0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "smoothing", &smoothing, in: 0...0.5, "Fraction by which targets are moved towards one half.")
        try v.number(
            "mixUp", &mixUp, in: 0...10,
            "Parameter of mixup's Beta distribution; 0: off.")
    }
}
