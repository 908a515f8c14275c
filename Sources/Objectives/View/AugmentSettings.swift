import Settings

/// How pictures are changed before a discriminator sees them, so that it cannot learn a few of them by heart.
public struct AugmentSettings: SettingsGroup, Equatable {
    /// What is done to the pictures.
    public enum Kind: String, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// Color, translation and cutout of a fixed strength (Zhao et al. 2020, arXiv:2006.10738).
        case diffaugment
        /// Many operations, as often as the discriminator overfits (Karras et al. 2020, arXiv:2006.06676).
        case ada
    }

    public var kind = Kind.none

    /// How often diffaugment changes a picture at all.
    public var probability = 1.0
    /// Brightness ± 0.5, saturation times 0 to 2, contrast times 0.5 to 1.5.
    public var recolor = true
    /// Up to an eighth of the side in each direction, zeros beyond the edge.
    public var translate = true
    /// A hole with half the side of the picture.
    public var cutOut = true

    /// Mean sign of the logits of real pictures that ADA holds: 0 for a discriminator that is at a loss, 1 for one that
    /// knows them all.
    public var target = 0.6
    /// Steps of the discriminator from one adjustment to the next.
    public var everySteps = 4
    /// Thousand real pictures in which the probability can rise from 0 to 1.
    public var speedKimg = 500.0
    /// Where the probability stops rising: beyond it the changes leak into what is generated, and a probability that has
    /// run away takes as long to come back.
    public var maxProbability = 0.8
    public var startProbability = 0.0
    /// Multiplies the probability of mirroring, quarter turns and whole pixels of translation; 0: never.
    public var blit = 1.0
    /// The same for scale, rotation, stretch and fractions of pixels.
    public var geometry = 1.0
    /// The same for brightness, contrast, luma, hue and saturation.
    public var color = 1.0
    /// The same for four bands of frequencies.
    public var filter = 0.0
    /// The same for noise and cutout.
    public var corruption = 0.0

    public init() {}

    public init(_ kind: Kind) { self.kind = kind }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "What the discriminator's pictures go through: nothing, changes of a fixed strength, or as many as its "
                + "overfitting asks for.")
        switch kind {
        case .none: break
        case .diffaugment:
            try v.number("probability", &probability, in: 0...1, "How often a picture is changed at all.")
            try v.flag("recolor", &recolor, "Brightness, saturation and contrast.")
            try v.flag("translate", &translate, "Up to an eighth of the side.")
            try v.flag("cutOut", &cutOut, "A hole of half the side.")
        case .ada:
            try v.number(
                "target", &target, in: -1...1, "Mean sign of D(real) that is held; lower: more changes.")
            try v.integer(
                "everySteps", &everySteps, in: 1...1_000_000, "Discriminator's steps between adjustments.")
            try v.number(
                "speedKimg", &speedKimg, in: 0.001...1e9,
                "Thousand real pictures for the probability to go from 0 to 1.")
            try v.number("maxProbability", &maxProbability, in: 0...1, "Where the probability stops.")
            try v.number("startProbability", &startProbability, in: 0...1, "Where the probability starts.")
            try v.check(
                startProbability <= maxProbability, "startProbability", "a number up to maxProbability")
            let groups = "Share of the probability for "
            try v.number("blit", &blit, in: 0...1, groups + "mirroring, quarter turns, whole pixels; 0: off.")
            try v.number(
                "geometry", &geometry, in: 0...1, groups + "scale, rotation, stretch, shift; 0: off.")
            try v.number("color", &color, in: 0...1, groups + "brightness to saturation; 0: off.")
            try v.number("filter", &filter, in: 0...1, groups + "bands of frequencies; 0: off.")
            try v.number("corruption", &corruption, in: 0...1, groups + "noise and cutout; 0: off.")
        }
    }
}
