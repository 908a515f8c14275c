import Torch

/// What a discriminator sees of pictures in training: real ones, generated ones and those of penalties alike.
///
/// The view can be differentiated with respect to the pictures as often as one likes.
public final class DiscriminatorAugmentation {
    private let settings: AugmentSettings
    private let adaptive: AdaptiveProbability?

    /// - Parameter device: where the logits are.
    public init(_ settings: AugmentSettings, device: Device) {
        self.settings = settings
        adaptive = settings.kind == .ada ? AdaptiveProbability(settings, device: device) : nil
    }

    /// Pictures [N, 3, H, W] in -1...1, each changed by its own draws; they may leave that range.
    ///
    /// As many numbers are drawn for a batch whatever the probability is. At a probability of 0 and for the kind `none`
    /// these are the pictures themselves.
    public func callAsFunction(_ images: Tensor, random: RandomSource) -> Tensor {
        // Of no shape, and to be thrown away.
        guard !images.isPoisoned else { return images }
        let shape = images.shape
        require(
            shape.count == 4 && shape[1] == 3 && !shape.contains(0) && images.dtype.isFloatingPoint,
            "discriminator's view: expected pictures [N, 3, H, W] of floating-point numbers, got \(images.summary)"
        )
        let size = PictureSize(width: shape[3], height: shape[2])
        // Autocast would round pictures to 8 bits of mantissa.
        func changed(_ change: (Tensor) -> Tensor) -> Tensor {
            probability == 0
                ? images
                : withAutocast(.float32, on: images.device) {
                    change(images.atLeastSingle()).to(images.dtype)
                }
        }
        switch settings.kind {
        case .none: return images
        case .diffaugment:
            let draws = ViewDraws(pictures: shape[0], random: random)
            let changes = (0..<shape[0]).map {
                DiffAugmentChange(drawn: draws[$0], settings, of: size)
            }
            return changed { DiffAugmentChange.apply(changes, to: $0, settings) }
        case .ada:
            let draws = ViewDraws(pictures: shape[0], random: random)
            // The largest of all draws, and only needed where it is on.
            let noise = settings.corruption > 0 ? Tensor.normal(shape, random: random) : nil
            let changes = (0..<shape[0]).map {
                AdaptiveChange(drawn: draws[$0], settings, probability: probability, of: size)
            }
            return changed { AdaptiveChange.apply(changes, to: $0, settings, noise: noise) }
        }
    }

    /// Adjusts how often ADA changes pictures; to be called once for each step of the discriminator.
    ///
    /// Every `everySteps` calls the probability moves by the pictures since the last time over speedKimg * 1000, up when
    /// the mean sign of their logits is above the target, down when it is below, and stays in 0...maxProbability
    /// (Karras et al. 2020, section 3). Other kinds do nothing.
    /// - Parameter realLogits: [N] of real pictures, as this view showed them.
    public func observe(realLogits: Tensor) { adaptive?.observe(realLogits) }

    /// How often an operation of ADA is applied to a picture, or how often diffaugment changes one; 0 for `none`.
    public var probability: Double {
        switch settings.kind {
        case .none: 0
        case .diffaugment: settings.probability
        case .ada: adaptive!.value
        }
    }

    /// What a saved run keeps: values copied into these tensors continue it exactly. Empty unless ADA.
    public var state: [(key: String, tensor: Tensor)] { adaptive?.state ?? [] }
}
