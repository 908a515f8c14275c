import Models
import Objectives
import Settings
import Torch
import TorchNN

// Recipes of networks from photographs to photographs.
extension Recipe {
    mutating func restorationFields(_ v: inout some FieldVisitor) throws {
        try v.group("input", &input, "What the restorer is given of a picture.")
        try v.group("restorer", &restorer, "From what it is given to the picture.")
        try v.check(
            restorer.kind == .autoencoder ? input.kind != .smaller : input.kind == .smaller, "input.kind",
            restorer.kind == .autoencoder
                ? "same or warped: an autoencoder's pictures are as large as its inputs"
                : "smaller: this restorer enlarges")
        try v.check(
            restorer.kind != .autoencoder || resolution >= 32, "resolution", "32 or more, for an autoencoder")
        try v.check(
            restorer.kind != .autoencoder || !restorer.autoencoder.halfSide || resolution >= 64, "resolution",
            "64 or more, for an autoencoder with halfSide")
        try v.group("reconstruction", &reconstruction, "How far a restored picture is from the true one.")
        try v.check(reconstruction.isOn, "reconstruction", "a weight above 0")
        try perceptualFields(&v)
        try v.check(
            perceptual.loss.weight == 0 || perceptual.loss.isPaired, "perceptual.kind",
            "absolute or squared: each restored picture has its true one")
        try v.group("phases", &phases, "The order in which it learns.")
        let bends = phases.warp.mostKimg > 0 || phases.dropout.mostKimg > 0
        try v.check(
            phases.warp.mostKimg == 0 || input.kind == .warped, "phases.warp.mostKimg",
            "0: the inputs of this recipe (input.kind) are not bent")
        try v.check(
            phases.adversarialWeight == 0 || bends || phases.plain.mostKimg > 0, "phases.plain.mostKimg",
            "more than 0: a critic comes in when the pixels have been learnt")
        // Also without a critic: its weight is what people set to 0 and back.
        try v.group("critic", &critic, "Tells true pictures from restored ones.")
        try v.check(
            phases.adversarialWeight == 0 || critic.sideUnit <= resolution, "critic.patchSize",
            "smaller: the pictures have \(resolution) pixels a side")
        try v.group("loss", &loss, "The game between the two.")
        try v.group("generatorOptimizer", &generatorOptimizer, "How the restorer learns.")
        try v.group("discriminatorOptimizer", &discriminatorOptimizer, "How the critic learns.")
    }

    mutating func conversionFields(_ v: inout some FieldVisitor) throws {
        try v.group("conditions", &conditions, "Which attributes can be changed.")
        try v.check(!conditions.attributes.isEmpty, "conditions.attributes", "one name or more")
        try v.check(conditions.classifier, "conditions.classifier", "true: the critic names attributes")
        try v.group("converter", &converter, "From a photograph and changes to a photograph; and its critic.")
        try v.check(
            resolution >> converter.levels >= 2, "converter.levels",
            "fewer: maps of 2 pixels a side are the smallest")
        try v.group("view", &view, "How pictures are changed before the critic sees them.")
        try v.check(view.kind != .ada, "view.kind", "none or diffaugment")
        try v.group("loss", &loss, "The game between the two.")
        try v.group(
            "gradientPenalty", &gradientPenalty, "Holds the slope of the critic between real and converted.")
        try v.check(gradientPenalty.lazy.every == 1, "gradientPenalty.every", "1")
        try v.check(gradientPenalty.drift == 0, "gradientPenalty.drift", "0")
        try v.group("attributeLoss", &attributeLoss, "How much naming the attributes counts.")
        try v.check(
            attributeLoss.realWeight > 0 && attributeLoss.fakeWeight > 0, "attributeLoss",
            "weights above 0: nothing else asks for the change")
        try v.group("reconstruction", &reconstruction, "How far an unchanged picture is from the photograph.")
        try v.check(reconstruction.isOn, "reconstruction", "a weight above 0")
        try v.group("generatorOptimizer", &generatorOptimizer, "How the converter learns.")
        try v.group("discriminatorOptimizer", &discriminatorOptimizer, "How the critic learns.")
        try v.group("steps", &steps, "How often each learns in one turn.")
        try v.check(steps.kind == .fixed, "steps.kind", "fixed")
        try v.check(steps.generator == 1, "steps.generator", "1")
    }

    /// A restorer with starting values from `random`.
    public func makeRestorer(random: RandomSource) -> any Restorer {
        restorer.make(resolution: resolution, scale: input.enlargement, random: random)
    }

    /// A converter with starting values from `random`.
    public func makeConverter(random: RandomSource) -> AttributeConverter {
        let network = AttributeConverter(converter, attributes: conditions.attributes.count)
        network.initialize(random)
        return network
    }

    /// A converter's critic with starting values from `random`.
    public func makeConverterCritic(random: RandomSource) -> any Discriminator {
        let network = ConverterCritic(
            converter, resolution: resolution, conditions: conditions)
        network.initialize(random)
        return network
    }
}
