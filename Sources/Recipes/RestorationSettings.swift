import Models
import Objectives
import Settings
import Torch

/// Settings of a network from photographs to photographs: an autoencoder or super resolution.
public struct RestorationSettings: SystemSettings {
    public var input = InputSettings()
    public var restorer = RestorerSettings()
    public var reconstruction = ReconstructionLoss()
    public var perceptual = PerceptualSettings()
    public var phases = PhasesSettings()
    public var critic = CriticSettings()
    public var loss = AdversarialLoss()
    public var restorerOptimizer = OptimizerSettings()
    public var criticOptimizer = OptimizerSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        let isAutoencoder: Bool
        try v.group("input", &input, "Input of the restorer.")
        try v.group("restorer", &restorer, "From its input to the picture.")
        isAutoencoder = restorer.kind == .autoencoder
        try v.check(
            isAutoencoder ? input.kind != .smaller : input.kind == .smaller, "input.kind",
            isAutoencoder
                ? "same or warped: inputs and pictures of an autoencoder have one size"
                : "smaller: this restorer increases the size")
        try v.check(!isAutoencoder || resolution >= 32, "resolution", "32 or more, for an autoencoder")
        try v.check(
            !isAutoencoder || !restorer.autoencoder.halfSide || resolution >= 64, "resolution",
            "64 or more, for an autoencoder with halfSide")
        try v.group("reconstruction", &reconstruction, "Difference from the true picture.")
        try v.check(reconstruction.isOn, "reconstruction", "a weight above 0")
        try v.group("perceptual", &perceptual, "Perceptual loss on the maps of a fixed network.")
        try perceptual.check(&v, resolution: resolution)
        try v.check(
            perceptual.loss.weight == 0 || perceptual.loss.isPaired, "perceptual.kind",
            "absolute or squared: each restored picture has its true one")
        try v.group("phases", &phases, "Training phases.")
        let warps = phases.warp.maxKimg > 0 || phases.dropout.maxKimg > 0
        try v.check(
            phases.warp.maxKimg == 0 || input.kind == .warped, "phases.warp.maxKimg",
            "0: the inputs of this recipe (input.kind) are not warped")
        try v.check(
            phases.adversarialWeight == 0 || warps || phases.plain.maxKimg > 0, "phases.plain.maxKimg",
            "more than 0: the critic follows a phase without it")
        // Also without a critic, so that phases.adversarialWeight can be set to 0 and back.
        try v.group("critic", &critic, "Separates true from restored pictures.")
        try v.check(
            phases.adversarialWeight == 0 || critic.sideUnit <= resolution, "critic.patchSize",
            "smaller: the pictures have \(resolution) pixels a side")
        try v.group("loss", &loss, "Adversarial loss.")
        try v.group("restorerOptimizer", &restorerOptimizer, "Optimizer of the restorer.")
        try v.group("criticOptimizer", &criticOptimizer, "Optimizer of the critic.")
    }

    /// A restorer with initial weights from `random`.
    public func makeRestorer(resolution: Int, random: RandomSource) -> any Restorer {
        restorer.make(resolution: resolution, scale: input.enlargement, random: random)
    }
}

/// Length of a training phase: it ends when the pixel loss no longer falls, within limits.
public struct PhaseSettings: SettingsGroup, Equatable {
    /// Least length, in thousands of images.
    public var minKimg = 0.0
    /// Greatest length, in thousands of images; 0 for no such phase.
    public var maxKimg = 0.0

    public init() {}

    public init(minKimg: Double = 0, maxKimg: Double) {
        (self.minKimg, self.maxKimg) = (minKimg, maxKimg)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("minKimg", &minKimg, in: 0...1e6, "Least length in thousands of images.")
        try v.number(
            "maxKimg", &maxKimg, in: 0...1e6, "Greatest length in thousands of images; 0: no such phase.")
        try v.check(minKimg <= maxKimg, "minKimg", "at most maxKimg")
    }
}

/// Phases of a restorer's training: coarse structure from warped inputs, then detail, then the critic.
///
/// Each phase ends when the pixel loss no longer falls, or at its limit. The last one lasts to the end of the run.
public struct PhasesSettings: SettingsGroup, Equatable {
    /// Warped inputs.
    public var warp = PhaseSettings(maxKimg: 0)
    /// Warped inputs with learning-rate dropout, which stays on in later phases.
    public var dropout = PhaseSettings(maxKimg: 0)
    /// Unwarped inputs.
    public var plain = PhaseSettings(maxKimg: 0)
    /// Weight of the adversarial loss in the last phase; 0 for no critic.
    public var adversarialWeight = 0.0
    /// Whether the perceptual loss starts with the critic.
    public var pixelsFirst = false
    /// Thousands of images over which the pixel loss must fall.
    public var patienceKimg = 20.0
    /// Relative decrease that counts as falling.
    public var minGain = 0.01
    /// Ratio of the pixel loss to its value before the critic that counts as collapse.
    public var collapseFactor = 2.0
    /// How often a collapsed network returns to its weights before the critic, each time with half the adversarial weight.
    public var maxAttempts = 3
    /// Probability that a weight is updated in a step with learning-rate dropout.
    public var dropoutRate = 0.3

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.group("warp", &warp, "Phase with warped inputs.")
        try v.group("dropout", &dropout, "Phase with warped inputs and learning-rate dropout.")
        try v.group("plain", &plain, "Phase with unwarped inputs.")
        try v.number(
            "dropoutRate", &dropoutRate, in: 0.01...1,
            "Probability that a weight is updated in a step with learning-rate dropout.")
        try v.flag("pixelsFirst", &pixelsFirst, "Start the perceptual loss with the critic.")
        try v.number(
            "patienceKimg", &patienceKimg, in: 0.01...1e6,
            "Thousands of images over which the pixel loss must fall.")
        try v.number("minGain", &minGain, in: 0...1, "Relative decrease that counts as falling.")
        try v.number(
            "adversarialWeight", &adversarialWeight, in: 0...1e6,
            "Weight of the adversarial loss in the last phase; 0: no critic.")
        try v.number(
            "collapseFactor", &collapseFactor, in: 1.01...1e6,
            "Ratio of the pixel loss to its value before the critic that counts as collapse.")
        try v.integer(
            "maxAttempts", &maxAttempts, in: 0...100,
            "How often a collapsed network is reset, each time with half the adversarial weight.")
    }
}
