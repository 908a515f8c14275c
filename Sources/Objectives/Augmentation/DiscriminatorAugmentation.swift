import Settings
import Torch

/// Augmentation of all pictures that a discriminator receives in training: real, generated, and those of penalties.
///
/// It has derivatives of any order with respect to the pictures.
public final class DiscriminatorAugmentation {
    private let settings: AugmentSettings
    private let kind: Kind

    private enum Kind {
        case none
        case diffAugment(DiffAugment)
        case ada(ADA, AdaptiveProbability)
        case scheduled(ADA)
    }

    /// Creates an augmentation.
    /// - Parameters:
    ///   - settings: kind and strengths.
    ///   - device: device of the pictures and logits.
    public init(_ settings: AugmentSettings, device: Device) {
        self.settings = settings
        kind =
            switch settings.kind {
            case .none: .none
            case .diffaugment: .diffAugment(DiffAugment(settings))
            case .ada: .ada(ADA(settings), AdaptiveProbability(settings, device: device))
            case .scheduled: .scheduled(ADA(settings))
            }
    }

    /// Augments pictures, each with its own random parameters.
    ///
    /// The number of random values does not depend on the probability. Nothing is copied between the host and a GPU after
    /// the first call with pictures of a size. The kind `none` returns the pictures unchanged. At probability 0, so do
    /// `diffaugment` and `scheduled`, and `ada` on the CPU. On a GPU, `ada` then applies the identity, as does a probability
    /// that is a tensor.
    /// - Parameters:
    ///   - images: [N, 3, H, W] in -1...1, floating point.
    ///   - probability: current probability of `diffaugment` and `scheduled`; nil for that at the start of the training.
    ///   - random: stream of the parameters.
    /// - Returns: [N, 3, H, W] of the same type. Values may leave -1...1.
    public func callAsFunction(_ images: Tensor, probability: Factor? = nil, random: RandomSource) -> Tensor {
        // Out of memory: the tensor has no shape, and the result is discarded.
        guard !images.isPoisoned else { return images }
        let (shape, device) = (images.shape, images.device)
        require(
            shape.count == 4 && shape[1] == 3 && !shape.contains(0) && images.dtype.isFloatingPoint,
            "DiscriminatorAugmentation: expected pictures [N, 3, H, W] of floating-point type, got \(images.summary)"
        )
        let size = PictureSize(width: shape[3], height: shape[2])
        // Without autocast, which would round pictures to bfloat16.
        func augmented(_ operation: (Tensor) -> Tensor) -> Tensor {
            withAutocast(.float32, on: device) { operation(images.atLeastSingle()).to(images.dtype) }
        }
        // Random values do not depend on the probability.
        func draw() -> AugmentationDraws {
            AugmentationDraws(pictures: shape[0], random: random, on: device)
        }
        func changed(_ augment: ADA, probability: Tensor?) -> Tensor {
            let draws = draw()
            // Drawn only if used, because it is the largest draw.
            let noise = settings.corruption > 0 && settings.noise ? Tensor.normal(shape, random: random) : nil
            guard let probability else { return images }
            return augmented {
                augment($0, augment.parameters(draws, probability: probability, of: size), noise: noise)
            }
        }
        /// The probability on the device; nil for the number 0.
        var current: Tensor? {
            switch probability ?? .number(self.probability) {
            case .number(let value): value == 0 ? nil : Tensor.full([], value, dtype: .float64, on: device)
            case .tensor(let value): value.to(.float64)
            }
        }
        switch kind {
        case .none: return images
        case .diffAugment(let augment):
            let draws = draw()
            guard let probability = current else { return images }
            return augmented { augment($0, augment.parameters(draws, probability: probability, of: size)) }
        case .ada(let augment, let adaptive):
            return changed(augment, probability: adaptive.isZeroOnCPU ? nil : adaptive.probability)
        case .scheduled(let augment): return changed(augment, probability: current)
        }
    }

    /// Adjusts the probability of ADA. Call it once per discriminator step.
    ///
    /// Every `everySteps` calls, the probability moves by (number of pictures since the last adjustment) / (speedKimg
    /// * 1000): up if the mean sign of their logits is above the target, down if it is below, within
    /// 0...maxProbability (Karras et al. 2020, section 3). Other kinds ignore the call.
    /// - Parameter realLogits: logits [N] of augmented real pictures.
    public func observe(realLogits: Tensor) {
        if case .ada(_, let adaptive) = kind { adaptive.observe(realLogits) }
    }

    /// Probability of each operation of ADA, or probability that DiffAugment changes a picture; 0 for `none`. A scheduled
    /// probability is that at the start of the training.
    ///
    /// Reading the probability of ADA waits for its device.
    public var probability: Double {
        switch kind {
        case .none: 0
        case .diffAugment, .scheduled: settings.probability.value(atKimg: 0)
        case .ada(_, let adaptive): adaptive.probability.item()
        }
    }

    /// State to save with a run. Copying saved values into these tensors restores it exactly. Empty except for ADA.
    public var state: [(key: String, tensor: Tensor)] {
        if case .ada(_, let adaptive) = kind { adaptive.state } else { [] }
    }
}
