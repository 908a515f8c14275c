import Torch

/// ADA's controller; all that it knows is in tensors, which a saved run replaces in place.
final class AdaptiveProbability {
    private let settings: AugmentSettings
    // Single numbers in float64. The signs are summed where the logits are: reading them would wait for the device.
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

    func observe(_ logits: Tensor) {
        require(
            logits.count > 0 && logits.dtype.isFloatingPoint,
            "discriminator's view: expected logits of real pictures [N], got \(logits.summary)")
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
