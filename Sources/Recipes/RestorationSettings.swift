import Models
import Objectives
import Settings
import Torch

/// Settings of a restorer, a network from photographs to photographs: an autoencoder or super resolution.
public struct RestorationSettings: SystemSettings {
    /// Input of the restorer.
    public var input = InputSettings()
    /// Network family and size of the restorer.
    public var restorer = RestorerSettings()
    /// Pixel loss.
    public var reconstruction = ReconstructionLoss()
    /// Perceptual loss.
    public var perceptual = PerceptualSettings()
    /// Training phases.
    public var phases = PhasesSettings()
    /// Network family and size of the critic.
    public var critic = CriticSettings()
    /// Adversarial loss.
    public var loss = AdversarialLoss()
    /// Optimizer of the restorer.
    public var restorerOptimizer = OptimizerSettings()
    /// Optimizer of the critic.
    public var criticOptimizer = OptimizerSettings()

    /// Creates the default settings.
    public init() {}

    /// Visits every group and checks the rules between them.
    /// - Parameters:
    ///   - v: visitor of the fields.
    ///   - resolution: side of the pictures, in pixels.
    ///   - batchSize: pictures in one step.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws {
        let isAutoencoder: Bool
        try v.group("input", &input, "Input of the restorer.")
        try v.group("restorer", &restorer, "Network from the input to the restored picture.")
        isAutoencoder = restorer.kind == .autoencoder
        try v.check(
            isAutoencoder ? input.kind != .smaller : input.kind == .smaller, "input.kind",
            isAutoencoder
                ? "same or warped, because input and output of an autoencoder have the same size"
                : "smaller, because this restorer upscales its input")
        try v.check(!isAutoencoder || resolution >= 32, "resolution", "32 or more for an autoencoder")
        try v.check(
            !isAutoencoder || !restorer.autoencoder.halfSide || resolution >= 64, "resolution",
            "64 or more for an autoencoder with halfSide")
        try v.group("reconstruction", &reconstruction, "Pixel loss between restored and target picture.")
        try v.check(reconstruction.isOn, "reconstruction", "at least one weight above 0")
        try v.group("perceptual", &perceptual, "Perceptual loss on feature maps of a fixed network.")
        try perceptual.check(&v, resolution: resolution)
        try v.check(
            perceptual.loss.weight == 0 || perceptual.loss.isPaired, "perceptual.kind",
            "absolute or squared, because each restored picture has a target picture")
        try v.group("phases", &phases, "Training phases.")
        let warps = phases.warp.maxKimg > 0 || phases.dropout.maxKimg > 0
        try v.check(
            phases.warp.maxKimg == 0 || input.kind == .warped, "phases.warp.maxKimg",
            "0, unless input.kind is warped")
        try v.check(
            phases.adversarialWeight == 0 || warps || phases.plain.maxKimg > 0, "phases.plain.maxKimg",
            "more than 0, because the adversarial phase follows a phase without a critic")
        // The group exists without a critic too, so that changing phases.adversarialWeight makes no key invalid.
        try v.group("critic", &critic, "Network that separates target from restored pictures.")
        try v.check(
            phases.adversarialWeight == 0 || critic.sideUnit <= resolution, "critic.patchSize",
            "a smaller patch, because the pictures have \(resolution) x \(resolution) pixels")
        try v.group("loss", &loss, "Adversarial loss.")
        try v.group("restorerOptimizer", &restorerOptimizer, "Optimizer of the restorer.")
        try v.group("criticOptimizer", &criticOptimizer, "Optimizer of the critic.")
    }

    /// Creates a restorer with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of its output pictures, in pixels.
    ///   - random: source of the initial weights.
    public func makeRestorer(resolution: Int, random: RandomSource) -> any Restorer {
        restorer.make(resolution: resolution, scale: input.enlargement, random: random)
    }
}

/// Limits of the length of a training phase, which ends when the pixel loss no longer falls.
public struct PhaseSettings: SettingsGroup, Equatable {
    /// Minimum length, in thousands of images.
    public var minKimg = 0.0
    /// Maximum length, in thousands of images; 0 to omit the phase.
    public var maxKimg = 0.0

    /// Creates the default settings.
    public init() {}

    /// Creates limits, in thousands of images.
    public init(minKimg: Double = 0, maxKimg: Double) {
        (self.minKimg, self.maxKimg) = (minKimg, maxKimg)
    }

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("minKimg", &minKimg, in: 0...1e6, "Minimum length in thousands of images.")
        try v.number(
            "maxKimg", &maxKimg, in: 0...1e6, "Maximum length in thousands of images; 0: omit the phase.")
        try v.check(minKimg <= maxKimg, "minKimg", "at most maxKimg")
    }
}

/// Phases of the training of a restorer: warped inputs, learning-rate dropout, unwarped inputs, adversarial.
///
/// A phase ends when the pixel loss no longer falls, or at its maximum length. The last phase lasts to the end of the run.
public struct PhasesSettings: SettingsGroup, Equatable {
    /// Phase with warped inputs.
    public var warp = PhaseSettings(maxKimg: 0)
    /// Phase with warped inputs and learning-rate dropout. Later phases keep the dropout.
    public var dropout = PhaseSettings(maxKimg: 0)
    /// Phase with unwarped inputs.
    public var plain = PhaseSettings(maxKimg: 0)
    /// Weight of the adversarial loss in the last phase; 0 for training without a critic.
    public var adversarialWeight = 0.0
    /// Whether the perceptual loss applies only in the adversarial phase.
    public var pixelsFirst = false
    /// Interval within which the pixel loss must decrease, in thousands of images.
    public var patienceKimg = 20.0
    /// Minimum relative decrease of the pixel loss.
    public var minGain = 0.01
    /// Ratio of the pixel loss to its value before the adversarial phase above which the network has collapsed.
    public var collapseFactor = 2.0
    /// Maximum number of resets after a collapse. A reset restores the weights from before the adversarial phase and halves
    /// the adversarial weight.
    public var maxAttempts = 3
    /// Probability that a step with learning-rate dropout updates a weight.
    public var dropoutRate = 0.3

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.group("warp", &warp, "Phase with warped inputs.")
        try v.group("dropout", &dropout, "Phase with warped inputs and learning-rate dropout.")
        try v.group("plain", &plain, "Phase with unwarped inputs.")
        try v.number(
            "dropoutRate", &dropoutRate, in: 0.01...1,
            "Probability that a step with learning-rate dropout updates a weight.")
        try v.flag("pixelsFirst", &pixelsFirst, "Apply the perceptual loss only in the adversarial phase.")
        try v.number(
            "patienceKimg", &patienceKimg, in: 0.01...1e6,
            "Interval in thousands of images within which the pixel loss must decrease.")
        try v.number("minGain", &minGain, in: 0...1, "Minimum relative decrease of the pixel loss.")
        try v.number(
            "adversarialWeight", &adversarialWeight, in: 0...1e6,
            "Weight of the adversarial loss in the last phase; 0: no critic.")
        try v.number(
            "collapseFactor", &collapseFactor, in: 1.01...1e6,
            "Ratio of the pixel loss to its value before the adversarial phase above which the network has collapsed."
        )
        try v.integer(
            "maxAttempts", &maxAttempts, in: 0...100,
            "Maximum number of resets after a collapse, each with half the adversarial weight.")
    }
}
