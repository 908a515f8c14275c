import Datasets
import Settings

/// Which part of the pictures is used, and how they vary.
public struct DataSettings: SettingsGroup, Equatable {
    /// Name of a data protocol, or `auto`: the usual one for the source at the recipe's resolution.
    public var dataProtocol = "auto"
    /// Use only this part of a source that has one: `all`, `train`, `validation` or `test`.
    public var split = Split.all
    public var flip = 0.5
    public var crop = 0.0
    public var rotationDegrees = 0.0
    public var brightness = 0.0
    public var contrast = 0.0
    public var saturation = 0.0
    public var hueDegrees = 0.0

    /// Parts of a source as its makers divided it.
    public enum Split: String, Sendable, CaseIterable { case all, train, validation, test }

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.text("protocol", &dataProtocol, "Crop, filter and size by name (celeba64-178), or auto.")
        try v.choice("split", &split, "Part of a source that its makers divided.")
        try v.number("flip", &flip, in: 0...1, "Probability of mirroring.")
        try v.number("crop", &crop, in: 0...0.5, "Largest share of the side that is cut off.")
        try v.number("rotationDegrees", &rotationDegrees, in: 0...45, "Largest turn to either side.")
        try v.number("brightness", &brightness, in: 0...1, "Largest relative change.")
        try v.number("contrast", &contrast, in: 0...1, "Largest relative change.")
        try v.number("saturation", &saturation, in: 0...1, "Largest relative change.")
        try v.number("hueDegrees", &hueDegrees, in: 0...180, "Largest turn of the colors.")
    }

    /// The random changes of the pictures.
    public var augmentation: Augmentation {
        Augmentation(
            flip: Float(flip), crop: Float(crop), rotationDegrees: Float(rotationDegrees),
            brightness: Float(brightness), contrast: Float(contrast), saturation: Float(saturation),
            hueDegrees: Float(hueDegrees))
    }
}
