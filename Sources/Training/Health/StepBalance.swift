import Recipes
import Torch

/// Number of discriminator steps in each training step, adapted to keep its accuracy in the recipe's band.
struct StepBalance {
    private let settings: StepSettings
    // [moving mean of the accuracy, consecutive training steps without a discriminator step]. The mean starts in the middle
    // of the band.
    private let memory: Tensor

    init(_ settings: StepSettings) {
        self.settings = settings
        memory = Tensor([Float(settings.low + settings.high) / 2, 0], shape: [2])
    }

    var isAdaptive: Bool { settings.kind == .adaptive }

    /// Whether the discriminator is measured but not trained in the next training step.
    func skips() -> Bool {
        guard isAdaptive else { return false }
        let values = memory.floats()
        let skips = Double(values[0]) > settings.high && Int(values[1]) < settings.maxSkips
        keep(values[0], skipped: skips ? values[1] + 1 : 0)
        return skips
    }

    /// Whether the discriminator step with this number can be the last one before the generator step.
    func canEnd(after steps: Int) -> Bool { isAdaptive || steps == settings.discriminator }

    /// Whether another discriminator step follows the one with this number.
    func repeats(after steps: Int) -> Bool {
        guard isAdaptive else { return steps < settings.discriminator }
        let values = memory.floats()
        if values[1] > 0 { return false }
        return steps < settings.discriminator
            || Double(values[0]) < settings.low && steps < settings.discriminator + settings.maxRepeats
    }

    /// Adds the accuracy on a batch to the moving mean. Waits for the device if steps are adaptive.
    func note(_ accuracy: Tensor) {
        guard isAdaptive else { return }
        let values = memory.floats()
        let weight = Float(settings.memory)
        keep(weight * values[0] + (1 - weight) * Float(accuracy.item()), skipped: values[1])
    }

    private func keep(_ mean: Float, skipped: Float) {
        withoutGradients { memory.copy_(Tensor([mean, skipped], shape: [2])) }
    }

    var state: [(key: String, tensor: Tensor)] { isAdaptive ? [("memory", memory)] : [] }
}
