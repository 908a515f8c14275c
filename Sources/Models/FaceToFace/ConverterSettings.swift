import Settings

/// Size of a network that changes attributes, and of its critic.
public struct ConverterSettings: SettingsGroup, Equatable {
    /// Channels next to the picture; each halving doubles them.
    public var filters = 64
    /// Channels are never more than this.
    public var maxFilters = 1024
    /// How often sides are halved.
    public var levels = 5
    /// Levels from the inside out whose maps go straight to the decoder; more of them give sharper pictures that change less.
    public var skips = 1
    /// Levels of the decoder beside the innermost, from the inside out, that are told the changes.
    public var injections = 1
    /// Whether what goes straight on is selected by the changes (Liu et al. 2019).
    public var selective = true
    /// Fraction of training targets that flip one attribute of the photograph. The others are labels of other photographs.
    public var flipFraction = 0.0
    /// Channels of the critic next to the picture; each halving doubles them.
    public var criticFilters = 64
    /// Width of the critic's dense layers.
    public var criticWidth = 1024

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...512, "Channels next to the picture; doubled at each halving.")
        try v.integer("maxFilters", &maxFilters, in: 1...4096, "Upper limit of the channels.")
        try v.integer("levels", &levels, in: 2...8, "How often sides are halved.")
        try v.integer("skips", &skips, in: 0...7, "Inner levels whose maps go straight to the decoder.")
        try v.check(skips < levels, "skips", "less than levels")
        try v.integer(
            "injections", &injections, in: 0...7,
            "Levels of the decoder beside the innermost that are told the changes.")
        try v.check(injections < levels, "injections", "less than levels")
        try v.flag("selective", &selective, "What goes straight on is selected by the changes.")
        try v.number(
            "flipFraction", &flipFraction, in: 0...1,
            "Fraction of targets that flip one attribute; the others are labels of other photographs.")
        try v.integer(
            "criticFilters", &criticFilters, in: 1...512, "The critic's channels next to the picture.")
        try v.integer("criticWidth", &criticWidth, in: 1...8192, "Width of the critic's dense layers.")
    }
}
