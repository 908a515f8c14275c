import Models
import Settings

/// Settings of a face network, which classifies attributes of a photograph.
public struct AttributeSettings: SystemSettings {
    /// Size of the network.
    public var network = FaceNetworkSettings()
    /// Label smoothing and mixup.
    public var labels = LabelSettings()
    /// Optimizer of the network.
    public var optimizer = OptimizerSettings()

    /// Creates the default settings.
    public init() {}

    /// Visits every group and checks the rules between them.
    /// - Parameters:
    ///   - v: visitor of the fields.
    ///   - resolution: side of the pictures, in pixels.
    ///   - batchSize: pictures in one step.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        try v.group("network", &network, "Network from pictures to attribute logits.")
        try v.group("labels", &labels, "Changes to the training targets.")
        try v.group("optimizer", &optimizer, "Optimizer of the network.")
    }
}

/// Label smoothing and mixup of a face network.
public struct LabelSettings: SettingsGroup, Equatable {
    /// Label smoothing (Szegedy et al. 2016, section 7): fraction, 0...0.5, by which targets move towards one half.
    public var smoothing = 0.0
    /// Parameter of mixup's Beta distribution (Zhang et al. 2018); 0 for no mixup.
    public var mixUp = 0.0

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "smoothing", &smoothing, in: 0...0.5,
            "Label smoothing: fraction by which targets move towards one half.")
        try v.number(
            "mixUp", &mixUp, in: 0...10,
            "Parameter of mixup's Beta distribution; 0: no mixup.")
    }
}
