import Models
import Objectives
import Settings
import Torch
import TorchNN

/// Settings of a converter, a network that changes attributes of photographs.
public struct ConversionSettings: SystemSettings {
    /// Attributes that the converter can change.
    public var conditions = ConditionSettings()
    /// Size of the converter and its critic.
    public var converter = ConverterSettings()
    /// Augmentation of the critic's input.
    public var augment = AugmentSettings()
    /// Adversarial loss of both networks.
    public var loss = AdversarialLoss()
    /// Gradient penalty between real and converted pictures (Gulrajani et al. 2017).
    public var gradientPenalty = GradientPenalty()
    /// Classification loss of the attributes.
    public var attributeLoss = AttributeLoss()
    /// Loss of an unchanged photograph after conversion.
    public var reconstruction = ReconstructionLoss()
    /// Optimizer of the converter.
    public var converterOptimizer = OptimizerSettings()
    /// Optimizer of the critic.
    public var criticOptimizer = OptimizerSettings()
    /// Optimizer steps of both networks in one training step.
    public var steps = StepSettings()

    /// Creates the default settings.
    public init() {}

    /// Visits every group and checks the rules between them.
    /// - Parameters:
    ///   - v: visitor of the fields.
    ///   - resolution: side of the pictures, in pixels.
    ///   - batchSize: pictures in one step.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        try v.group("conditions", &conditions, "Attributes that the converter can change.")
        try v.check(!conditions.attributes.isEmpty, "conditions.attributes", "at least one name")
        try v.check(
            !conditions.exclusive, "conditions.exclusive",
            "false, because a converter changes attributes independently")
        try v.check(
            conditions.classifier, "conditions.classifier",
            "true, because the critic of a converter classifies attributes")
        try v.group("converter", &converter, "Size of the converter and of its critic.")
        try v.check(
            resolution >> converter.levels >= 2, "converter.levels",
            "fewer levels, so that the smallest maps have at least 2 x 2 pixels")
        try v.group("augment", &augment, "Augmentation of the critic's input.")
        try v.check(
            augment.kind != .ada, "augment.kind",
            "none, diffaugment or scheduled, because a converter has no adaptive augmentation")
        try v.group("loss", &loss, "Adversarial loss.")
        try v.group(
            "gradientPenalty", &gradientPenalty, "Gradient penalty between real and converted pictures.")
        try v.check(
            gradientPenalty.lazy.every == 1, "gradientPenalty.every",
            "1, because a converter has no lazy regularization")
        try v.check(
            gradientPenalty.drift == 0, "gradientPenalty.drift", "0, because a converter has no drift penalty"
        )
        try v.group("attributeLoss", &attributeLoss, "Classification loss of the attributes.")
        try v.check(
            attributeLoss.realWeight > 0 && attributeLoss.fakeWeight > 0, "attributeLoss",
            "realWeight and fakeWeight above 0, because no other loss requests the change")
        try v.group(
            "reconstruction", &reconstruction,
            "Difference between a photograph and its conversion without changes.")
        try v.check(reconstruction.isOn, "reconstruction", "at least one weight above 0")
        try v.group("converterOptimizer", &converterOptimizer, "Optimizer of the converter.")
        try v.group("criticOptimizer", &criticOptimizer, "Optimizer of the critic.")
        try v.group("steps", &steps, "Optimizer steps of both networks in one training step.")
        try v.check(steps.kind == .fixed, "steps.kind", "fixed, because a converter has no adaptive steps")
        try v.check(steps.generator == 1, "steps.generator", "1, because a converter has one generator step")
    }

    /// Creates a converter with initial weights from `random`.
    public func makeConverter(random: RandomSource) -> AttributeConverter {
        let network = AttributeConverter(converter, attributes: conditions.attributes.count)
        network.initialize(random)
        return network
    }

    /// Creates a critic with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of its input pictures, in pixels.
    ///   - random: source of the initial weights.
    public func makeCritic(resolution: Int, random: RandomSource) -> any Discriminator {
        let network = ConverterCritic(converter, resolution: resolution, conditions: conditions)
        network.initialize(random)
        return network
    }
}
