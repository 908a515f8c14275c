import Settings

/// Augmentation of the pictures that a discriminator receives, which prevents overfitting to small data sets.
public struct AugmentSettings: SettingsGroup, Equatable {
    /// Kind of augmentation.
    public enum Kind: String, Sendable, CaseIterable {
        /// No augmentation.
        case none
        /// DiffAugment: color, translation and cutout of constant strength (Zhao et al. 2020, arXiv:2006.10738).
        case diffaugment
        /// Adaptive discriminator augmentation, whose probability follows the overfitting of the discriminator
        /// (Karras et al. 2020, arXiv:2006.06676).
        case ada
        /// The changes of ADA with a probability that is a function of the number of images (Huang et al. 2024,
        /// arXiv:2501.05441).
        case scheduled
    }

    /// Kind of augmentation.
    public var kind = Kind.none

    /// Probability that DiffAugment changes a picture; for `scheduled`, that of each operation.
    public var probability: Scheduled<Double> = 1
    /// DiffAugment: brightness ± 0.5, saturation times 0...2, contrast times 0.5...1.5.
    public var recolor = true
    /// DiffAugment: translation by up to an eighth of the side per direction, with zero padding.
    public var translate = true
    /// DiffAugment: a zero rectangle with half the sides of the picture.
    public var cutOut = true

    /// ADA: target of the mean sign of the logits of real pictures. It is 0 for a discriminator that guesses and 1
    /// for one that recognizes all training pictures.
    public var target = 0.6
    /// ADA: discriminator steps between adjustments of the probability.
    public var everySteps = 4
    /// ADA: thousands of real pictures in which the probability can rise from 0 to 1.
    public var speedKimg = 500.0
    /// ADA: maximum of the probability. At larger values, augmentation leaks into generated pictures, and the
    /// probability takes long to decrease again.
    public var maxProbability = 0.8
    /// ADA: initial probability.
    public var startProbability = 0.0
    /// ADA: multiplier of the probability of mirroring, quarter turns and integer translation; 0: off.
    public var blit = 1.0
    /// ADA: multiplier of the probability of scaling, rotation, stretching and fractional translation; 0: off.
    public var geometry = 1.0
    /// ADA: multiplier of the probability of brightness, contrast, luma flip, hue and saturation; 0: off.
    public var color = 1.0
    /// ADA: multiplier of the probability of amplifying each of four frequency bands; 0: off.
    public var filter = 0.0
    /// ADA: multiplier of the probability of noise and cutout; 0: off.
    public var corruption = 0.0
    /// ADA: whether corruption adds noise, besides cutout.
    public var noise = true

    /// Creates settings without augmentation.
    public init() {}

    /// Creates settings of a kind with default values.
    public init(_ kind: Kind) { self.kind = kind }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "Augmentation of the discriminator's pictures: none, DiffAugment, or the changes of ADA with a "
                + "probability that follows overfitting (ada) or the number of images (scheduled).")
        switch kind {
        case .none: break
        case .diffaugment:
            try v.scheduled(
                "probability", &probability, in: 0...1, "Probability that a picture is augmented.")
            try v.flag("recolor", &recolor, "Change brightness, saturation and contrast.")
            try v.flag("translate", &translate, "Translate by up to an eighth of the side.")
            try v.flag("cutOut", &cutOut, "Set a rectangle with half the sides to zero.")
        case .ada:
            try v.number(
                "target", &target, in: -1...1, "Target of the mean sign of D(real); lower: more augmentation."
            )
            try v.integer(
                "everySteps", &everySteps, in: 1...1_000_000, "Discriminator steps between adjustments.")
            try v.number(
                "speedKimg", &speedKimg, in: 0.001...1e9,
                "Thousands of real pictures in which the probability can rise from 0 to 1.")
            try v.number("maxProbability", &maxProbability, in: 0...1, "Maximum of the probability.")
            try v.number("startProbability", &startProbability, in: 0...1, "Initial probability.")
            try v.check(
                startProbability <= maxProbability, "startProbability", "a number not above maxProbability")
            try operationFields(&v)
        case .scheduled:
            try v.scheduled("probability", &probability, in: 0...1, "Probability of each operation.")
            try operationFields(&v)
        }
    }

    private mutating func operationFields(_ v: inout some FieldVisitor) throws {
        let group = "Multiplier of the probability of "
        try v.number(
            "blit", &blit, in: 0...1, group + "mirroring, quarter turns, integer shifts; 0: off.")
        try v.number(
            "geometry", &geometry, in: 0...1, group + "scaling, rotation, stretching, shifts; 0: off.")
        try v.number(
            "color", &color, in: 0...1,
            group + "brightness, contrast, luma flip, hue and saturation; 0: off.")
        try v.number("filter", &filter, in: 0...1, group + "amplifying frequency bands; 0: off.")
        try v.number("corruption", &corruption, in: 0...1, group + "noise and cutout; 0: off.")
        try v.flag("noise", &noise, "Let corruption add noise, besides cutout.")
    }
}
