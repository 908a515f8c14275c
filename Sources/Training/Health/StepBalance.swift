import Recipes
import Torch

/// Says turn by turn how many steps the discriminator makes, so that its accuracy stays in the recipe's band.
struct StepBalance {
    private let settings: StepSettings
    // [moving mean of the accuracy, turns in a row without learning]; begins in the middle of the band.
    private let memory: Tensor

    init(_ settings: StepSettings) {
        self.settings = settings
        memory = Tensor([Float(settings.low + settings.high) / 2, 0], shape: [2])
    }

    var isAdaptive: Bool { settings.kind == .adaptive }

    /// Whether the discriminator only looks in the turn that begins.
    func skips() -> Bool {
        guard isAdaptive else { return false }
        let values = memory.floats()
        let skips = Double(values[0]) > settings.high && Int(values[1]) < settings.maxSkips
        keep(values[0], skipped: skips ? values[1] + 1 : 0)
        return skips
    }

    /// Whether the n-th step of a turn can be its last, so that the generator goes on from its pictures.
    func canEnd(after steps: Int) -> Bool { isAdaptive || steps == settings.discriminator }

    /// Whether another step of the discriminator follows its n-th in a turn.
    func goesOn(after steps: Int) -> Bool {
        guard isAdaptive else { return steps < settings.discriminator }
        let values = memory.floats()
        if values[1] > 0 { return false }
        return steps < settings.discriminator
            || Double(values[0]) < settings.low && steps < settings.discriminator + settings.maxRepeats
    }

    /// Takes the accuracy on a batch into the mean; waits for the device.
    func note(_ accuracy: Tensor) {
        guard isAdaptive else { return }
        let values = memory.floats()
        let share = Float(settings.memory)
        keep(share * values[0] + (1 - share) * Float(accuracy.item()), skipped: values[1])
    }

    private func keep(_ mean: Float, skipped: Float) {
        withoutGradients { memory.copy_(Tensor([mean, skipped], shape: [2])) }
    }

    var state: [(key: String, tensor: Tensor)] { isAdaptive ? [("memory", memory)] : [] }
}
