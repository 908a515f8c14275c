import Models
import Objectives
import Settings
import Torch
import TorchNN

/// Settings of a network that changes attributes of photographs.
public struct ConversionSettings: SystemSettings {
    public var conditions = ConditionSettings()
    public var converter = ConverterSettings()
    /// Augmentation of the critic's input.
    public var augment = AugmentSettings()
    public var loss = AdversarialLoss()
    public var gradientPenalty = GradientPenalty()
    public var attributeLoss = AttributeLoss()
    public var reconstruction = ReconstructionLoss()
    public var converterOptimizer = OptimizerSettings()
    public var criticOptimizer = OptimizerSettings()
    public var steps = StepSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        try v.group("conditions", &conditions, "Attributes that can be changed.")
        try v.check(!conditions.attributes.isEmpty, "conditions.attributes", "one name or more")
        try v.check(
            conditions.classifier, "conditions.classifier", "true: the critic classifies attributes")
        try v.group("converter", &converter, "From a photograph and changes to a photograph; and its critic.")
        try v.check(
            resolution >> converter.levels >= 2, "converter.levels",
            "fewer: maps of 2 pixels a side are the smallest")
        try v.group("augment", &augment, "Augmentation of the critic's input.")
        try v.check(augment.kind != .ada, "augment.kind", "none or diffaugment")
        try v.group("loss", &loss, "Adversarial loss.")
        try v.group(
            "gradientPenalty", &gradientPenalty, "Gradient penalty between real and converted pictures.")
        try v.check(gradientPenalty.lazy.every == 1, "gradientPenalty.every", "1")
        try v.check(gradientPenalty.drift == 0, "gradientPenalty.drift", "0")
        try v.group("attributeLoss", &attributeLoss, "Classification loss of the attributes.")
        try v.check(
            attributeLoss.realWeight > 0 && attributeLoss.fakeWeight > 0, "attributeLoss",
            "weights above 0: no other loss requests the change")
        try v.group(
            "reconstruction", &reconstruction, "Difference of an unchanged picture from the photograph.")
        try v.check(reconstruction.isOn, "reconstruction", "a weight above 0")
        try v.group("converterOptimizer", &converterOptimizer, "Optimizer of the converter.")
        try v.group("criticOptimizer", &criticOptimizer, "Optimizer of the critic.")
        try v.group("steps", &steps, "Optimizer steps of both networks in one training step.")
        try v.check(steps.kind == .fixed, "steps.kind", "fixed")
        try v.check(steps.generator == 1, "steps.generator", "1")
    }

    /// A converter with initial weights from `random`.
    public func makeConverter(random: RandomSource) -> AttributeConverter {
        let network = AttributeConverter(converter, attributes: conditions.attributes.count)
        network.initialize(random)
        return network
    }

    /// A critic with initial weights from `random`.
    public func makeCritic(resolution: Int, random: RandomSource) -> any Discriminator {
        let network = ConverterCritic(converter, resolution: resolution, conditions: conditions)
        network.initialize(random)
        return network
    }
}
