import Models
import Objectives
import Settings
import Torch

/// Settings of a generator that is trained against a discriminator.
public struct AdversarialSettings: SystemSettings {
    public var conditions = ConditionSettings()
    public var generator = GeneratorSettings()
    public var discriminator = DiscriminatorSettings()
    /// Augmentation of the discriminator's input.
    public var augment = AugmentSettings()
    public var loss = AdversarialLoss()
    public var gradientPenalty = GradientPenalty()
    public var zeroCenteredPenalty = ZeroCenteredPenalty()
    public var draganPenalty = DRAGANPenalty()
    public var pathLength = PathLengthPenalty()
    public var attributeLoss = AttributeLoss()
    public var featureMatching = FeatureMatching()
    public var perceptual = PerceptualSettings()
    public var growth = GrowthSettings()
    public var generatorOptimizer = OptimizerSettings()
    public var discriminatorOptimizer = OptimizerSettings()
    public var steps = StepSettings()
    public var instanceNoise = InstanceNoiseSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        try v.group("conditions", &conditions, "Attributes that can be requested from the generator.")
        try v.group("generator", &generator, "From latents to pictures.")
        try v.group("discriminator", &discriminator, "Separates real from generated pictures.")
        try v.group("augment", &augment, "Augmentation of the discriminator's input.")
        try v.group("loss", &loss, "Adversarial loss.")
        try v.group(
            "gradientPenalty", &gradientPenalty,
            "Gradient penalty between real and generated pictures (WGAN-GP).")
        try v.group(
            "zeroCenteredPenalty", &zeroCenteredPenalty,
            "Gradient penalties at real and generated pictures: R1, R2.")
        try v.group("draganPenalty", &draganPenalty, "Gradient penalty around real pictures (DRAGAN).")
        try v.group("pathLength", &pathLength, "Path-length regularization of the generator.")
        try v.group("attributeLoss", &attributeLoss, "Classification loss of the attributes.")
        try v.group(
            "featureMatching", &featureMatching, "Matches the discriminator's inner maps of both kinds.")
        try v.group("perceptual", &perceptual, "Perceptual loss on the maps of a fixed network.")
        try perceptual.check(&v, resolution: resolution)
        try v.check(
            !perceptual.loss.isPaired, "perceptual.kind",
            "statistics or random-pairs: a generated face has no real counterpart")
        try v.group("growth", &growth, "Growth of progressive networks.")
        try v.group("generatorOptimizer", &generatorOptimizer, "Optimizer of the generator.")
        try v.group("discriminatorOptimizer", &discriminatorOptimizer, "Optimizer of the discriminator.")
        try v.group("steps", &steps, "Optimizer steps of both networks in one training step.")
        try v.group("instanceNoise", &instanceNoise, "Noise on the discriminator's input.")
        try checkNetworks(v: &v, resolution: resolution, batchSize: batchSize)
        try checkLosses(v: &v)
    }

    private func checkNetworks(v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        if grows {
            try v.check(
                growth.startSide <= resolution, "growth.startSide", "at most the resolution, \(resolution)")
            let group = discriminator[ProgressiveSettings.self].deviationGroup
            try v.check(
                group == 0
                    || (growth.batchSizes + [batchSize]).allSatisfy { $0 <= group || $0 % group == 0 },
                "growth.batchSizes",
                "batch sizes (and batchSize) that are multiples of discriminator.deviationGroup, \(group)")
        }
        try v.check(
            grows == type(of: discriminator.network).grows, "discriminator.kind",
            "both networks progressive, or none: they grow together")
        try v.check(
            resolution >> (discriminator.scales - 1) >= (grows ? 4 : 8), "discriminator.scales",
            "fewer: the smallest pictures would have less than 8 (progressive: 4) pixels a side")
        // Attention needs the networks' maps, which exist for powers of two only.
        guard resolution.nonzeroBitCount == 1 else { return }
        for (name, attention) in [
            ("generator", generator.network.generatorAttention(resolution: resolution)),
            ("discriminator", discriminator.network.discriminatorAttention(resolution: resolution)),
        ] {
            let (side, channels) = attention
            try v.check(
                side == 0 || (channels ?? 1) % 8 == 0, "\(name).attentionSide",
                channels == nil
                    ? "0, or the side of maps that a block of this network leaves"
                    : "0, or maps with a number of channels that 8 divides (here \(channels ?? 0))")
        }
    }

    private func checkLosses(v: inout some FieldVisitor) throws {
        try v.check(
            featureMatching.weight == 0 || type(of: discriminator.network).keepsMaps,
            "featureMatching.weight", "0, or a residual or progressive discriminator: others return no maps")
        try v.check(featureMatching.kind != .maps, "featureMatching.kind", "means: there are no pairs")
        try v.check(
            conditions.classifier || (attributeLoss.realWeight == 0 && attributeLoss.fakeWeight == 0),
            "attributeLoss",
            "weights of 0, or conditions.classifier: true, because only a classifier has attribute logits")
        try v.check(
            augment.kind != .ada || loss.border != nil, "augment.kind",
            "diffaugment or none: ada follows the signs of logits, which have no meaning in this loss")
        try v.check(
            !conditions.classifier || attributeLoss.realWeight > 0, "attributeLoss.realWeight",
            "more than 0: the classifier must be trained")
    }

    /// The regularizers of the discriminator that are on, in the order in which they are computed.
    public var discriminatorRegularizers: [Regularizer<DiscriminatorContext>] {
        [gradientPenalty.regularizer, draganPenalty.regularizer, zeroCenteredPenalty.regularizer].compactMap {
            $0
        }
    }

    /// The regularizers of the generator that are on.
    public func generatorRegularizers(on device: Device) -> [Regularizer<GeneratorContext>] {
        [pathLength.regularizer(on: device)].compactMap { $0 }
    }

    /// Whether the networks grow.
    public var grows: Bool { type(of: generator.network).grows }

    /// The growth after `images` images; nil for networks that do not grow.
    public func growth(images: Int, resolution: Int) -> Growth? {
        grows ? growth.growth(images: images, resolution: resolution) : nil
    }

    /// A generator with initial weights from `random`.
    public func makeGenerator(resolution: Int, random: RandomSource) -> any Generator {
        generator.make(resolution: resolution, labels: conditions.attributes.count, random: random)
    }

    /// A discriminator with initial weights from `random`.
    public func makeDiscriminator(resolution: Int, random: RandomSource) -> any Discriminator {
        discriminator.make(resolution: resolution, conditions: conditions, random: random)
    }
}

/// Optimizer steps of discriminator and generator in one training step.
public struct StepSettings: SettingsGroup, Equatable {
    /// How the number of discriminator steps is decided.
    public enum Kind: String, Sendable, CaseIterable {
        /// The same number in every training step.
        case fixed
        /// Fewer or more, so that the discriminator's accuracy stays in a band.
        case adaptive
    }

    public var kind = Kind.fixed
    /// Discriminator steps, each on its own batch; for `.adaptive`, the number while the accuracy is within the band.
    public var discriminator = 1
    /// Generator steps, each on its own latents after the first.
    public var generator = 1
    /// Accuracy below which the discriminator's step is repeated.
    public var low = 0.6
    /// Accuracy above which the discriminator's step is skipped. Healthy runs reach 0.94 to 0.97.
    public var high = 0.95
    /// Weight of the previous value in the moving mean of the accuracy.
    public var memory = 0.9
    /// Largest number of training steps in a row without a discriminator step.
    public var maxSkips = 3
    /// Largest number of discriminator steps that a training step adds.
    public var maxRepeats = 2

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind, "A fixed number of discriminator steps, or one that follows its accuracy.")
        try v.integer(
            "discriminator", &discriminator, in: 1...100, "Discriminator steps in one training step.")
        try v.integer("generator", &generator, in: 1...100, "Generator steps in one training step.")
        switch kind {
        case .fixed: break
        case .adaptive:
            try v.number(
                "low", &low, in: 0...1, "Accuracy below which the discriminator's step is repeated.")
            try v.number(
                "high", &high, in: 0...1, "Accuracy above which the discriminator's step is skipped.")
            try v.check(low < high, "high", "more than low")
            try v.number(
                "memory", &memory, in: 0...0.999,
                "Weight of the previous value in the moving mean of the accuracy.")
            try v.integer(
                "maxSkips", &maxSkips, in: 0...100,
                "Largest number of training steps in a row without a discriminator step.")
            try v.integer(
                "maxRepeats", &maxRepeats, in: 0...100, "Largest number of steps that are added.")
        }
    }
}

/// Noise on the discriminator's input, which lets the distributions of real and generated pictures overlap early in training
/// (Sønderby et al. 2017, section 3.2).
public struct InstanceNoiseSettings: SettingsGroup, Equatable {
    /// Standard deviation at the start, for pixels in -1...1; 0 for no noise.
    public var deviation = 0.0
    /// Thousands of images over which it falls to 0.
    public var endKimg = 0.0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "deviation", &deviation, in: 0...10,
            "Standard deviation at the start, for pixels in -1...1; 0: none.")
        try v.number("endKimg", &endKimg, in: 0...1e9, "Thousands of images over which it falls to 0.")
        try v.check(deviation == 0 || endKimg > 0, "endKimg", "more than 0 where there is noise")
    }

    /// The standard deviation over the run.
    public var schedule: Scheduled<Double> {
        Scheduled(.linear, from: deviation, to: 0, endKimg: endKimg)
    }
}

/// Growth of progressive networks (Karras et al. 2018, appendix A): each side is trained, then the next one fades in.
public struct GrowthSettings: SettingsGroup, Equatable {
    /// Side of the first pictures.
    public var startSide = 4
    /// Thousands of images for which a side is trained before the next one fades in.
    public var stableKimg = 600.0
    /// Thousands of images over which a side fades in.
    public var fadeKimg = 600.0
    /// Batch sizes of the sides from `startSide` on. The last one is used for larger sides; empty: the recipe's batch size.
    public var batchSizes: [Int] = []
    /// Whether optimizers are reset when a fade begins and when it ends.
    public var resetsOptimizers = true

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("startSide", &startSide, in: 4...1024, "Side of the first pictures.")
        try v.check(startSide.nonzeroBitCount == 1, "startSide", "a power of two")
        try v.number("stableKimg", &stableKimg, in: 0...1e6, "Thousands of images at each side.")
        try v.number("fadeKimg", &fadeKimg, in: 0...1e6, "Thousands of images while a side fades in.")
        try v.integers(
            "batchSizes", &batchSizes, in: 2...65536,
            "Batch sizes of the sides from startSide on; []: batchSize.")
        try v.flag("resetsOptimizers", &resetsOptimizers, "Reset optimizers when a fade begins and ends.")
    }

    /// The growth after `images` images.
    public func growth(images: Int, resolution: Int) -> Growth {
        let phase = (stableKimg + fadeKimg) * 1000
        let levels = max(0, resolution.trailingZeroBitCount - startSide.trailingZeroBitCount)
        let reached = phase > 0 ? Int(min(Double(images) / phase, Double(levels))) : levels
        guard reached < levels else { return Growth(side: resolution) }
        let rest = Double(images) - Double(reached) * phase - stableKimg * 1000
        let side = startSide << reached
        guard rest >= 0 else { return Growth(side: side) }
        let alpha = Scheduled(.linear, from: 0.0, to: 1, endKimg: fadeKimg).value(atKimg: rest / 1000)
        return Growth(side: 2 * side, alpha: fadeKimg > 0 ? alpha : 1)
    }

    /// Thousands of images after which the networks have their final size.
    public func endKimg(resolution: Int) -> Double {
        Double(max(0, resolution.trailingZeroBitCount - startSide.trailingZeroBitCount))
            * (stableKimg + fadeKimg)
    }

    /// Batch size at a side.
    public func batchSize(side: Int, otherwise: Int) -> Int {
        guard !batchSizes.isEmpty else { return otherwise }
        let level = max(0, side.trailingZeroBitCount - startSide.trailingZeroBitCount)
        return batchSizes[min(level, batchSizes.count - 1)]
    }
}
