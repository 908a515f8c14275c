import Models
import Objectives
import Settings

/// One system of the field as numbers: data, networks, losses, optimisers, schedule and cadence.
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
    public var generator = GeneratorSettings()
    public var discriminator = DiscriminatorSettings()
    public var loss = AdversarialLoss()
    public var gradientPenalty = GradientPenalty()
    public var generatorOptimizer = OptimizerSettings()
    public var discriminatorOptimizer = OptimizerSettings()
    public var steps = StepSettings()
    public var network = FaceNetworkSettings()
    public var labels = LabelSettings()
    public var optimizer = OptimizerSettings()
    public var schedule = ScheduleSettings()
    public var average = AverageSettings()
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
        }
        try v.group("schedule", &schedule, "How learning rates follow the clock.")
        try v.group("average", &average, "Moving average of the weights, which is what gets used.")
        try v.group("training", &training, "Length and cadence.")
    }

    private mutating func adversarialFields(_ v: inout some FieldVisitor) throws {
        try v.group("generator", &generator, "From latents to pictures.")
        try v.group("discriminator", &discriminator, "Tells real from generated.")
        try v.group("loss", &loss, "The game between the two.")
        try v.group("gradientPenalty", &gradientPenalty, "Holds the slope of a critic.")
        try v.group("generatorOptimizer", &generatorOptimizer, "How the generator learns.")
        try v.group("discriminatorOptimizer", &discriminatorOptimizer, "How the discriminator learns.")
        try v.group("steps", &steps, "How often each learns in one turn.")
    }

    private mutating func attributeFields(_ v: inout some FieldVisitor) throws {
        try v.group("network", &network, "From pictures to attributes.")
        try v.group("labels", &labels, "How the labels are taken.")
        try v.group("optimizer", &optimizer, "How the network learns.")
    }
}
