import Objectives
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

extension TrainingPhase {
    /// Phases of one network: the main loss with the regularizers of every step, then each lazy regularizer, which is
    /// computed with the weights that the phases before it have updated.
    /// - Parameters:
    ///   - name: name of the network.
    ///   - optimizer: optimizer of its weights.
    ///   - settings: settings of the optimizer.
    ///   - regularizers: regularizers of the network.
    ///   - context: data of the regularizers.
    ///   - observe: receives each regularization term, [], without gradients.
    ///   - loss: gradients of the main loss with respect to the weights, in their order.
    static func all<Context>(
        of name: String, _ optimizer: any Optimizer, _ settings: OptimizerSettings,
        regularizers: [Regularizer<Context>], in context: Context,
        observing observe: @escaping (Tensor) -> Void = { _ in },
        loss: @escaping (_ context: StepContext, _ weights: [Tensor]) -> [Tensor?]
    ) -> [TrainingPhase] {
        let weights = optimizer.parameters.map(\.parameter.value)
        func add(_ regularizer: Regularizer<Context>, to found: inout [Tensor?]) {
            let term = regularizer.loss(context) * Double(regularizer.interval)
            observe(term.detached())
            addGradients(of: term, wrt: weights, to: &found)
        }
        func phase(
            _ name: String, interval: Int, _ gradients: @escaping (StepContext) -> [Tensor?]
        ) -> TrainingPhase {
            TrainingPhase(
                name: name, optimizer: optimizer, settings: settings, interval: interval, gradients: gradients
            )
        }
        let main = phase(name, interval: 1) { context in
            var found = loss(context, weights)
            for regularizer in regularizers where regularizer.interval == 1 { add(regularizer, to: &found) }
            return found
        }
        let lazy = regularizers.filter { $0.interval > 1 }.map { regularizer in
            phase("\(name) \(regularizer.name)", interval: regularizer.interval) { _ in
                var found = weights.map { _ in Tensor?.none }
                add(regularizer, to: &found)
                return found
            }
        }
        return [main] + lazy
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
