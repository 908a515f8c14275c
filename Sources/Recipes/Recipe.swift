import Models
import Objectives
import Settings
import Torch

/// One system of the field as numbers: data, networks, losses, optimizers, schedule and cadence.
///
/// A recipe is a YAML file in `Recipes/`; what it leaves out keeps the defaults given here.
public struct Recipe: SettingsGroup, Equatable {
    /// Short name, also of the run's folder.
    public var name = "custom"
    /// What it is, for `facegan recipes`.
    public var about = ""
    /// What is learnt; decides which of the settings below a recipe has.
    public var task = RecipeTask.adversarial
    /// Side of the pictures.
    public var resolution = 64
    public var batchSize = 128
    public var data = DataSettings()
    public var conditions = ConditionSettings()
    public var generator = GeneratorSettings()
    public var discriminator = DiscriminatorSettings()
    public var view = ViewSettings()
    public var loss = AdversarialLoss()
    public var gradientPenalty = GradientPenalty()
    public var zeroCenteredPenalty = ZeroCenteredPenalty()
    public var draganPenalty = DRAGANPenalty()
    public var attributeLoss = AttributeLoss()
    public var featureMatching = FeatureMatching()
    public var perceptual = PerceptualSettings()
    public var growth = GrowthSettings()
    public var generatorOptimizer = OptimizerSettings()
    public var discriminatorOptimizer = OptimizerSettings()
    public var steps = StepSettings()
    public var instanceNoise = InstanceNoiseSettings()
    public var input = InputSettings()
    public var restorer = RestorerSettings()
    public var converter = ConverterSettings()
    public var critic = CriticSettings()
    public var reconstruction = ReconstructionLoss()
    public var phases = PhasesSettings()
    public var network = FaceNetworkSettings()
    public var labels = LabelSettings()
    public var optimizer = OptimizerSettings()
    public var schedule = ScheduleSettings()
    public var average = AverageSettings()
    public var supervision = SupervisionSettings()
    public var training = TrainingSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.text("name", &name, "Short name; also the run's folder.")
        try v.text("about", &about, "What it is, in one sentence.")
        try v.choice("task", &task, "What is learnt.")
        try v.integer("resolution", &resolution, in: 8...1024, "Side of the pictures: a power of two.")
        try v.check(resolution.nonzeroBitCount == 1, "resolution", "a power of two")
        try v.integer("batchSize", &batchSize, in: 2...65536, "Pictures in one step.")
        try v.group("data", &data, "Which pictures, and how they vary.")
        switch task {
        case .adversarial: try adversarialFields(&v)
        case .attributes: try attributeFields(&v)
        case .restoration: try restorationFields(&v)
        case .conversion: try conversionFields(&v)
        }
        try v.group("schedule", &schedule, "How learning rates follow the clock.")
        try v.group("average", &average, "Moving average of the weights, which is what gets used.")
        try v.group("supervision", &supervision, "What watches the run, and what it does then.")
        try v.group("training", &training, "Length and cadence.")
    }

    mutating func perceptualFields(_ v: inout some FieldVisitor) throws {
        try v.group("perceptual", &perceptual, "Makes the maps of a network that does not learn alike.")
        try v.check(
            perceptual.loss.weight == 0 || perceptual.leastSide <= resolution, "perceptual.leastSide",
            "at most the resolution, \(resolution)")
    }

    private mutating func adversarialFields(_ v: inout some FieldVisitor) throws {
        try v.group("conditions", &conditions, "Which attributes faces can be asked for.")
        try v.group("generator", &generator, "From codes to pictures.")
        try v.group("discriminator", &discriminator, "Tells real from generated.")
        try v.group("view", &view, "How pictures are changed before the discriminator sees them.")
        try v.group("loss", &loss, "The game between the two.")
        try v.group(
            "gradientPenalty", &gradientPenalty, "Holds the slope of a critic between real and generated.")
        try v.group(
            "zeroCenteredPenalty", &zeroCenteredPenalty, "Flattens a discriminator at the pictures: R1, R2.")
        try v.group("draganPenalty", &draganPenalty, "Holds the slope around real pictures.")
        try v.group("attributeLoss", &attributeLoss, "How much naming the labels counts.")
        try v.group(
            "featureMatching", &featureMatching, "Makes the discriminator's inner maps of both kinds alike.")
        try perceptualFields(&v)
        try v.check(
            !perceptual.loss.isPaired, "perceptual.kind",
            "statistics or random-pairs: a generated face has no real counterpart")
        try v.group("growth", &growth, "How progressive networks grow over the run.")
        if generator.kind == .progressive {
            try v.check(
                growth.startSide <= resolution, "growth.startSide", "at most the resolution, \(resolution)")
            let group = discriminator.progressive.deviationGroup
            try v.check(
                group == 0
                    || (growth.batchSizes + [batchSize]).allSatisfy { $0 <= group || $0 % group == 0 },
                "growth.batchSizes",
                "batches (and batchSize) that the critic's groups of \(group) divide; see deviationGroup")
        }
        try v.group("generatorOptimizer", &generatorOptimizer, "How the generator learns.")
        try v.group("discriminatorOptimizer", &discriminatorOptimizer, "How the discriminator learns.")
        try v.group("steps", &steps, "How often each learns in one turn.")
        try v.group("instanceNoise", &instanceNoise, "Noise on what the discriminator sees.")
        try v.check(
            (generator.kind == .progressive) == (discriminator.kind == .progressive), "discriminator.kind",
            "both networks progressive, or none: they grow together")
        try v.check(
            resolution >> (discriminator.scales - 1) >= (generator.kind == .progressive ? 4 : 8),
            "discriminator.scales",
            "fewer: the smallest pictures would have less than 8 (progressive: 4) pixels a side")
        try v.check(
            featureMatching.weight == 0 || [.residual, .progressive].contains(discriminator.kind),
            "featureMatching.weight", "0, or a residual or progressive discriminator: others keep no maps")
        try v.check(featureMatching.kind != .maps, "featureMatching.kind", "means: there are no pairs")
        try checkParts(&v)
        try v.check(
            !conditions.classifier || attributeLoss.realWeight > 0, "attributeLoss.realWeight",
            "more than 0, for a discriminator that names labels must learn them")
    }

    /// Rules about maps and labels that a network or a loss has only together with something else.
    private func checkParts(_ v: inout some FieldVisitor) throws {
        // Of other sides there are no networks to look at; they are a problem of their own.
        guard resolution.nonzeroBitCount == 1 else { return }
        for (name, attention) in [
            ("generator", generator.attention(resolution: resolution)),
            ("discriminator", discriminator.attention(resolution: resolution)),
        ] {
            let (side, channels) = attention
            try v.check(
                side == 0 || (channels ?? 1) % 8 == 0, "\(name).attentionSide",
                channels == nil
                    ? "0, or the side of maps that a block of this network leaves"
                    : "0, or maps with a number of channels that 8 divides (here \(channels ?? 0))")
        }
        try v.check(
            conditions.classifier || (attributeLoss.realWeight == 0 && attributeLoss.fakeWeight == 0),
            "attributeLoss",
            "weights of 0, or conditions.classifier: true, for only a classifier names labels")
        try v.check(
            view.kind != .ada || loss.border != nil, "view.kind",
            "diffaugment or none: ada follows the signs of logits, which mean nothing in this game")
    }

    /// Where growing networks stand after so many images; nil for networks that do not grow.
    public func growth(images: Int) -> Growth? {
        guard task == .adversarial, generator.kind == .progressive else { return nil }
        return growth.growth(images: images, resolution: resolution)
    }

    /// Pictures in a step after so many images.
    public func batchSize(images: Int) -> Int {
        growth(images: images).map { growth.batchSize(side: $0.side, otherwise: batchSize) } ?? batchSize
    }

    /// A generator with starting values from `random`.
    public func makeGenerator(random: RandomSource) -> any Generator {
        generator.make(resolution: resolution, labels: conditions.attributes.count, random: random)
    }

    /// A discriminator with starting values from `random`.
    public func makeDiscriminator(random: RandomSource) -> any Discriminator {
        discriminator.make(resolution: resolution, conditions: conditions, random: random)
    }

    private mutating func attributeFields(_ v: inout some FieldVisitor) throws {
        try v.group("network", &network, "From pictures to attributes.")
        try v.group("labels", &labels, "How the labels are taken.")
        try v.group("optimizer", &optimizer, "How the network learns.")
    }
}
