import Recipes
import Torch
import TorchNN

/// Data that the phases of one training step use.
struct StepContext {
    /// Real pictures [N, 3, side, side] at the growth of the networks.
    let real: Tensor
    /// Labels of real and generated pictures, [N, K]; nil for an unconditional model.
    let labels: Tensor?
    /// Generated pictures of the same shape, with gradients where the generator's phase uses them.
    var fake: Tensor
}

/// One kind of optimizer step: a network's main loss, or a regularizer with its own interval.
///
/// A trainer is an ordered list of phases.
struct TrainingPhase {
    /// Name, such as `discriminator` or `generator path length`.
    let name: String
    let optimizer: any Optimizer
    let settings: OptimizerSettings
    /// Interval of the phase, in steps of its network.
    let interval: Int
    /// Gradients of the optimizer's parameters, in their order.
    let gradients: (StepContext) -> [Tensor?]

    /// Whether the phase runs after `steps` steps of its network.
    func isDue(after steps: Int) -> Bool { steps % interval == 0 }

    /// Computes the gradients and applies them.
    /// - Returns: the gradients.
    @discardableResult
    func run(_ context: StepContext) -> [Tensor?] {
        let found = gradients(context)
        withoutGradients { applyGradients(found, settings, optimizer) }
        return found
    }
}

/// Applies gradients to weights.
///
/// All gradients of a run pass through this function, so distributed training averages them here.
func applyGradients(_ found: [Tensor?], _ settings: OptimizerSettings, _ optimizer: any Optimizer) {
    var found = found
    if settings.clipNorm > 0 { clipGradients(&found, maxNorm: settings.clipNorm) }
    optimizer.step(found)
    guard settings.weightLimit > 0 else { return }
    let limit = settings.weightLimit
    withoutGradients {
        for (_, parameter) in optimizer.parameters { parameter.value.clamp_(-limit...limit) }
    }
}
