import Models
import Objectives
import Settings
import Torch

/// Settings of a generator that is trained against a discriminator.
public struct AdversarialSettings: SystemSettings {
    /// Attributes that can be requested from the generator.
    public var conditions = ConditionSettings()
    /// Network family, size and latent space of the generator.
    public var generator = GeneratorSettings()
    /// Network family and size of the discriminator.
    public var discriminator = DiscriminatorSettings()
    /// Augmentation of the discriminator's input.
    public var augment = AugmentSettings()
    /// Adversarial loss of both networks.
    public var loss = AdversarialLoss()
    /// Gradient penalty between real and generated pictures (Gulrajani et al. 2017), with the drift penalty.
    public var gradientPenalty = GradientPenalty()
    /// R1 and R2 penalties (Mescheder et al. 2018).
    public var zeroCenteredPenalty = ZeroCenteredPenalty()
    /// Gradient penalty around real pictures (Kodali et al. 2017).
    public var draganPenalty = DRAGANPenalty()
    /// Path-length regularization of the generator (Karras et al. 2020).
    public var pathLength = PathLengthPenalty()
    /// Classification loss of the attributes (Odena et al. 2017).
    public var attributeLoss = AttributeLoss()
    /// Feature matching between real and generated pictures (Salimans et al. 2016).
    public var featureMatching = FeatureMatching()
    /// Perceptual loss of the generator.
    public var perceptual = PerceptualSettings()
    /// Growth of progressive networks; unused by other families.
    public var growth = GrowthSettings()
    /// Fade-in of the larger blocks of a network that starts from a smaller one.
    public var enlargement = EnlargementSettings()
    /// Optimizer of the generator.
    public var generatorOptimizer = OptimizerSettings()
    /// Optimizer of the discriminator.
    public var discriminatorOptimizer = OptimizerSettings()
    /// Optimizer steps of both networks in one training step.
    public var steps = StepSettings()
    /// Noise on the discriminator's input.
    public var instanceNoise = InstanceNoiseSettings()

    /// Creates the default settings.
    public init() {}

    /// Visits every group and checks the rules between them.
    /// - Parameters:
    ///   - v: visitor of the fields.
    ///   - resolution: side of the pictures, in pixels.
    ///   - batchSize: pictures in one step.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        try v.group("conditions", &conditions, "Attributes that can be requested from the generator.")
        try v.group("generator", &generator, "Network from latents to pictures.")
        try v.group("discriminator", &discriminator, "Network that separates real from generated pictures.")
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
            "featureMatching", &featureMatching,
            "Difference of the discriminator's feature maps between real and generated pictures.")
        try v.group("perceptual", &perceptual, "Perceptual loss on feature maps of a fixed network.")
        try perceptual.check(&v, resolution: resolution)
        try v.check(
            !perceptual.loss.isPaired, "perceptual.kind",
            "statistics or random-pairs, because a generated picture has no paired real picture")
        try v.group("growth", &growth, "Growth of progressive networks from small to full resolution.")
        try v.group(
            "enlargement", &enlargement,
            "Fade-in of the larger blocks of a StyleGAN2 that starts from a network for smaller pictures.")
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
        let fromSide = enlargement.fromSide
        try v.check(fromSide < resolution, "enlargement.fromSide", "less than the resolution, \(resolution)")
        try v.check(
            fromSide == 0
                || (type(of: generator.network).fadesIn && type(of: discriminator.network).fadesIn
                    && discriminator.scales == 1),
            "enlargement.fromSide",
            "0, or networks of kind stylegan2 with discriminator.scales: 1")
        if let network = discriminator.network as? StyleGAN2Settings {
            let group = network.deviationGroup
            try v.check(
                group == 0 || batchSize <= group || batchSize % group == 0, "batchSize",
                "a multiple of discriminator.deviationGroup, \(group)")
        }
        try v.check(
            grows == type(of: discriminator.network).grows, "discriminator.kind",
            "progressive for both networks or for neither, because they grow together")
        try v.check(
            resolution >> (discriminator.scales - 1) >= (grows ? 4 : 8), "discriminator.scales",
            "a smaller number: the smallest pictures would have fewer than 8 x 8 pixels (progressive: 4 x 4)")
        // The maps of a network are defined for powers of two only.
        guard resolution >= 8, resolution.nonzeroBitCount == 1 else { return }
        for (name, network) in [("generator", generator.network), ("discriminator", discriminator.network)] {
            guard let rule = network.brokenRule(resolution: resolution) else { continue }
            try v.check(false, "\(name).\(rule.key)", rule.expected)
        }
        for (name, attention) in [
            ("generator", generator.network.generatorAttention(resolution: resolution)),
            ("discriminator", discriminator.network.discriminatorAttention(resolution: resolution)),
        ] {
            let (side, channels) = attention
            try v.check(
                side == 0 || (channels ?? 1) % 8 == 0, "\(name).attentionSide",
                channels == nil
                    ? "0, or the side of the output of a block of this network"
                    : "0, or a side at which the number of channels is a multiple of 8 (here \(channels ?? 0))"
            )
        }
    }

    private func checkLosses(v: inout some FieldVisitor) throws {
        try v.check(
            featureMatching.weight == 0 || type(of: discriminator.network).keepsMaps,
            "featureMatching.weight",
            "0, or a residual or progressive discriminator, because other families return no feature maps")
        try v.check(
            featureMatching.kind != .maps, "featureMatching.kind",
            "means or absolute-means, because a generated picture has no paired real picture")
        try v.check(
            conditions.classifier || (attributeLoss.realWeight == 0 && attributeLoss.fakeWeight == 0),
            "attributeLoss",
            "weights of 0, or conditions.classifier: true, because only a classifier has attribute logits")
        try v.check(
            !conditions.exclusive || !conditions.classifier, "conditions.exclusive",
            "false, or conditions.classifier: false, because the classifier needs labels of absent attributes"
        )
        try v.check(
            augment.kind != .ada || loss.border != nil, "augment.kind",
            "none, diffaugment or scheduled, because ada needs a loss in which the sign of a logit separates real from generated"
        )
        try v.check(
            !conditions.classifier || attributeLoss.realWeight > 0, "attributeLoss.realWeight",
            "more than 0, because the classifier needs training")
    }

    /// Active regularizers of the discriminator, in the order of computation.
    public var discriminatorRegularizers: [Regularizer<DiscriminatorContext>] {
        [gradientPenalty.regularizer, draganPenalty.regularizer, zeroCenteredPenalty.regularizer].compactMap {
            $0
        }
    }

    /// Active regularizers of the generator.
    /// - Parameter device: device of their state, such as the mean path length.
    public func generatorRegularizers(on device: Device) -> [Regularizer<GeneratorContext>] {
        [pathLength.regularizer(on: device)].compactMap { $0 }
    }

    /// Whether the networks grow during training.
    public var grows: Bool { type(of: generator.network).grows }

    /// Resolution and fade after `images` images; nil for networks that do not grow.
    /// - Parameters:
    ///   - images: number of real pictures shown so far.
    ///   - resolution: final side of the pictures, in pixels.
    public func growth(images: Int, resolution: Int) -> Growth? {
        grows ? growth.growth(images: images, resolution: resolution) : nil
    }

    /// Creates a generator with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of its pictures, in pixels.
    ///   - random: source of the initial weights.
    public func makeGenerator(resolution: Int, random: RandomSource) -> any Generator {
        let made = generator.make(
            resolution: resolution, labels: conditions.attributes.count, random: random)
        prepareFade(of: made, random: random)
        return made
    }

    /// Creates a discriminator with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of its input pictures, in pixels.
    ///   - random: source of the initial weights.
    public func makeDiscriminator(resolution: Int, random: RandomSource) -> any Discriminator {
        let made = discriminator.make(resolution: resolution, conditions: conditions, random: random)
        prepareFade(of: made, random: random)
        return made
    }
}

/// Optimizer steps of discriminator and generator in one training step.
public struct StepSettings: SettingsGroup, Equatable {
    /// Rule for the number of discriminator steps.
    public enum Kind: String, Sendable, CaseIterable {
        /// The same number in every training step.
        case fixed
        /// A number that keeps the discriminator's accuracy within a band.
        case adaptive
    }

    /// Rule for the number of discriminator steps.
    public var kind = Kind.fixed
    /// Discriminator steps, each with its own batch; for `.adaptive`, the number while the accuracy is within the band.
    public var discriminator = 1
    /// Generator steps. All but the first draw new latents.
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

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind, "Rule for the number of discriminator steps: fixed, or adapted to the accuracy.")
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
                "maxRepeats", &maxRepeats, in: 0...100,
                "Largest number of additional discriminator steps in a training step.")
        }
    }
}

/// Instance noise on the discriminator's input (Sønderby et al. 2017, section 3.2).
///
/// With noise, the distributions of real and generated pictures overlap early in training.
public struct InstanceNoiseSettings: SettingsGroup, Equatable {
    /// Initial standard deviation, for pixels in -1...1; 0 for no noise.
    public var deviation = 0.0
    /// Length of the linear decay to 0, in thousands of images.
    public var endKimg = 0.0

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "deviation", &deviation, in: 0...10,
            "Initial standard deviation, for pixels in -1...1; 0: no noise.")
        try v.number(
            "endKimg", &endKimg, in: 0...1e9, "Thousands of images over which the deviation falls to 0.")
        try v.check(deviation == 0 || endKimg > 0, "endKimg", "more than 0 if deviation is more than 0")
    }

    /// Standard deviation over the run.
    public var schedule: Scheduled<Double> {
        Scheduled(.linear, from: deviation, to: 0, endKimg: endKimg)
    }
}

/// Growth of progressive networks (Karras et al. 2018, appendix A).
///
/// Training alternates between a constant side and a fade to twice that side. A side is the height and width of the
/// pictures in pixels.
public struct GrowthSettings: SettingsGroup, Equatable {
    /// Side at the start, a power of two.
    public var startSide = 4
    /// Length of training at a constant side, in thousands of images.
    public var stableKimg = 600.0
    /// Length of a fade, in thousands of images.
    public var fadeKimg = 600.0
    /// Batch sizes for the sides `startSide`, 2 `startSide`, and so on. Larger sides use the last one. If empty, all sides
    /// use the recipe's batch size.
    public var batchSizes: [Int] = []
    /// Whether optimizers are reset at the start and the end of a fade.
    public var resetsOptimizers = true

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "startSide", &startSide, in: 4...1024,
            "Side of the pictures at the start, in pixels, a power of two.")
        try v.check(startSide.nonzeroBitCount == 1, "startSide", "a power of two")
        try v.number(
            "stableKimg", &stableKimg, in: 0...1e6, "Thousands of images at each side before the next fade.")
        try v.number("fadeKimg", &fadeKimg, in: 0...1e6, "Thousands of images of a fade to the next side.")
        try v.integers(
            "batchSizes", &batchSizes, in: 2...65536,
            "Batch sizes of the sides from startSide on; [] uses batchSize for all.")
        try v.flag(
            "resetsOptimizers", &resetsOptimizers, "Reset optimizers at the start and the end of a fade.")
    }

    /// Side and fade after `images` images.
    /// - Parameters:
    ///   - images: number of real pictures shown so far.
    ///   - resolution: final side, a power of two.
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

    /// End of the growth, in thousands of images.
    /// - Parameter resolution: final side, a power of two.
    public func endKimg(resolution: Int) -> Double {
        Double(max(0, resolution.trailingZeroBitCount - startSide.trailingZeroBitCount))
            * (stableKimg + fadeKimg)
    }

    /// Batch size at a side.
    /// - Parameters:
    ///   - side: current side of the pictures, in pixels.
    ///   - otherwise: batch size of the recipe, for settings without `batchSizes`.
    public func batchSize(side: Int, otherwise: Int) -> Int {
        guard !batchSizes.isEmpty else { return otherwise }
        let level = max(0, side.trailingZeroBitCount - startSide.trailingZeroBitCount)
        return batchSizes[min(level, batchSizes.count - 1)]
    }
}
