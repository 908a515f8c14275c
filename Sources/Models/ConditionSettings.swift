import Settings

/// Which attributes a generator can be asked for, and how a discriminator sees to it.
public struct ConditionSettings: SettingsGroup, Equatable {
    /// Names as the pictures' labels have them; none for an unconditional game.
    public var attributes: [String] = []
    /// Whether the discriminator weighs how well a picture fits its labels.
    public var projection = true
    /// Whether the discriminator names the labels, too.
    public var classifier = false

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.texts("attributes", &attributes, "Names that faces can be asked for; [] for none.")
        try v.flag("projection", &projection, "The discriminator weighs how well a picture fits its labels.")
        try v.flag("classifier", &classifier, "The discriminator names the labels; see attributeLoss.")
        try v.check(
            Set(attributes).count == attributes.count, "attributes", "names that differ from each other")
        try v.check(
            attributes.isEmpty || projection || classifier, "projection",
            "true, or a classifier: else nothing teaches the attributes")
    }
}
