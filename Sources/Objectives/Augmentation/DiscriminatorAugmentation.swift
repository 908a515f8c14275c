import Settings
import Torch

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
    }

    /// Kind of augmentation.
    public var kind = Kind.none

    /// Probability that DiffAugment changes a picture.
    public var probability = 1.0
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

    /// Creates settings without augmentation.
    public init() {}

    /// Creates settings of a kind with default values.
    public init(_ kind: Kind) { self.kind = kind }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "Augmentation of the discriminator's pictures: none, of constant strength (DiffAugment), or with a "
                + "probability that follows overfitting (ADA).")
        switch kind {
        case .none: break
        case .diffaugment:
            try v.number("probability", &probability, in: 0...1, "Probability that a picture is augmented.")
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
        }
    }
}

/// Augmentation of all pictures that a discriminator receives in training: real, generated, and those of penalties.
///
/// It has derivatives of any order with respect to the pictures.
public final class DiscriminatorAugmentation {
    private let settings: AugmentSettings
    private let adaptive: AdaptiveProbability?

    /// Creates an augmentation.
    /// - Parameters:
    ///   - settings: kind and strengths.
    ///   - device: device of the logits.
    public init(_ settings: AugmentSettings, device: Device) {
        self.settings = settings
        adaptive = settings.kind == .ada ? AdaptiveProbability(settings, device: device) : nil
    }

    /// Augments pictures, each with its own random parameters.
    ///
    /// The number of random values does not depend on the probability. At probability 0 and for the kind `none`,
    /// returns the pictures unchanged.
    /// - Parameters:
    ///   - images: [N, 3, H, W] in -1...1, floating point.
    ///   - random: stream of the parameters.
    /// - Returns: [N, 3, H, W] of the same type. Values may leave -1...1.
    public func callAsFunction(_ images: Tensor, random: RandomSource) -> Tensor {
        // Out of memory: the tensor has no shape, and the result is discarded.
        guard !images.isPoisoned else { return images }
        let shape = images.shape
        require(
            shape.count == 4 && shape[1] == 3 && !shape.contains(0) && images.dtype.isFloatingPoint,
            "DiscriminatorAugmentation: expected pictures [N, 3, H, W] of floating-point type, got \(images.summary)"
        )
        let size = PictureSize(width: shape[3], height: shape[2])
        // Without autocast, which would round pictures to bfloat16.
        func augmented(_ operation: (Tensor) -> Tensor) -> Tensor {
            probability == 0
                ? images
                : withAutocast(.float32, on: images.device) {
                    operation(images.atLeastSingle()).to(images.dtype)
                }
        }
        switch settings.kind {
        case .none: return images
        case .diffaugment:
            let draws = AugmentationDraws(pictures: shape[0], random: random)
            let parameters = (0..<shape[0]).map {
                DiffAugmentParameters(draws: draws[$0], settings, of: size)
            }
            return augmented { DiffAugmentParameters.apply(parameters, to: $0, settings) }
        case .ada:
            let draws = AugmentationDraws(pictures: shape[0], random: random)
            // Drawn only if used, because it is the largest draw.
            let noise = settings.corruption > 0 ? Tensor.normal(shape, random: random) : nil
            let parameters = (0..<shape[0]).map {
                ADAParameters(draws: draws[$0], settings, probability: probability, of: size)
            }
            return augmented { ADAParameters.apply(parameters, to: $0, settings, noise: noise) }
        }
    }

    /// Adjusts the probability of ADA. Call it once per discriminator step.
    ///
    /// Every `everySteps` calls, the probability moves by (number of pictures since the last adjustment) / (speedKimg
    /// * 1000): up if the mean sign of their logits is above the target, down if it is below, within
    /// 0...maxProbability (Karras et al. 2020, section 3). Other kinds ignore the call.
    /// - Parameter realLogits: logits [N] of augmented real pictures.
    public func observe(realLogits: Tensor) { adaptive?.observe(realLogits) }

    /// Probability of each operation of ADA, or probability that DiffAugment changes a picture; 0 for `none`.
    public var probability: Double {
        switch settings.kind {
        case .none: 0
        case .diffaugment: settings.probability
        case .ada: adaptive!.value
        }
    }

    /// State to save with a run. Copying saved values into these tensors restores it exactly. Empty except for ADA.
    public var state: [(key: String, tensor: Tensor)] { adaptive?.state ?? [] }
}

/// Controller of the ADA probability. Its whole state is in tensors, which loading a run overwrites in place.
final class AdaptiveProbability {
    private let settings: AugmentSettings
    // Scalars in float64. The signs are summed on the device of the logits, because reading every value would synchronize.
    private let probability, images, steps, signs: Tensor

    init(_ settings: AugmentSettings, device: Device) {
        self.settings = settings
        probability = Tensor(doubles: [settings.startProbability], shape: [])
        (images, steps) = (Tensor(doubles: [0], shape: []), Tensor(doubles: [0], shape: []))
        signs = Tensor.zeros([], dtype: .float64, on: device)
    }

    var value: Double { probability.item() }

    var state: [(key: String, tensor: Tensor)] {
        [("probability", probability), ("images", images), ("steps", steps), ("signs", signs)]
    }

    /// Accumulates the signs of logits [N] and adjusts the probability when it is due.
    func observe(_ logits: Tensor) {
        require(
            logits.count > 0 && logits.dtype.isFloatingPoint,
            "DiscriminatorAugmentation: expected floating-point logits [N] of real pictures, got \(logits.summary)"
        )
        withoutGradients {
            signs.add_(logits.detached().sign().to(.float64).sum())
            images.fill_(images.item() + Double(logits.count))
            steps.fill_(steps.item() + 1)
            guard steps.item() >= Double(settings.everySteps) else { return }
            let excess = signs.item() / images.item() - settings.target
            let step = images.item() / (settings.speedKimg * 1000)
            let move = excess > 0 ? step : excess < 0 ? -step : 0
            probability.fill_(min(max(value + move, 0), settings.maxProbability))
            for tensor in [images, steps, signs] { tensor.zero_() }
        }
    }
}
