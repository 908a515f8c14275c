import Torch

/// Controller of the ADA probability. Its whole state is in tensors, which loading a run overwrites in place.
///
/// The state is on the device of the logits. Updating it does not wait for the device.
final class AdaptiveProbability {
    private let settings: AugmentSettings
    /// Probability of each operation, shape [], float64.
    let probability: Tensor
    // Scalars in float64: sums since the last adjustment.
    private let images, steps, signs: Tensor

    init(_ settings: AugmentSettings, device: Device) {
        self.settings = settings
        probability = Tensor.full([], settings.startProbability, dtype: .float64, on: device)
        func zero() -> Tensor { Tensor.zeros([], dtype: .float64, on: device) }
        (images, steps, signs) = (zero(), zero(), zero())
    }

    var state: [(key: String, tensor: Tensor)] {
        [("probability", probability), ("images", images), ("steps", steps), ("signs", signs)]
    }

    /// Whether the probability is in main memory, where looking at it waits for nothing, and is 0.
    var isZeroOnCPU: Bool {
        guard probability.device == .cpu, !probability.isPoisoned else { return false }
        return probability.withBytes { $0.load(as: Double.self) == 0 }
    }

    /// Accumulates the signs of logits [N] and adjusts the probability when it is due.
    func observe(_ logits: Tensor) {
        require(
            logits.count > 0 && logits.dtype.isFloatingPoint,
            "DiscriminatorAugmentation: expected floating-point logits [N] of real pictures, got \(logits.summary)"
        )
        withoutGradients {
            signs.add_(logits.detached().sign().to(.float64).sum())
            op("add_.Scalar", [images, Double(logits.count)], #fileID, #line)
            op("add_.Scalar", [steps, 1.0], #fileID, #line)
            let isDue = steps.greater(than: Double(settings.everySteps) - 0.5)
            let excess = signs / images - settings.target
            // Neither for NaN.
            let direction = excess.greater(than: 0).to(.float64) - excess.less(than: 0).to(.float64)
            let moved = (probability + direction * (images / (settings.speedKimg * 1000)))
                .clamped(0...settings.maxProbability)
            probability.copy_(moved.where(isDue, else: probability))
            for sum in [images, steps, signs] {
                op("masked_fill_.Scalar", [sum, isDue, 0.0], #fileID, #line)
            }
        }
    }
}
