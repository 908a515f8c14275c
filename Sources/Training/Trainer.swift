import Checkpoints
import Datasets
import Foundation
import Models
import Recipes
import Settings
import Torch
import TorchNN

/// Trainer of one system: networks, optimizers and all other state that a training step changes.
///
/// A trainer does not access files and does not depend on wall-clock time.
public protocol Trainer: AnyObject {
    /// Recipe of the run.
    var recipe: Recipe { get }
    /// Device of the networks.
    var device: Device { get }
    /// Precision of the computation; never `.auto`.
    var precision: Precision { get }
    /// Kernels of the computation.
    var kernels: Kernels { get }
    /// Steps and images so far.
    var clock: TrainingClock { get set }
    /// Real images of one step.
    var imagesPerStep: Int { get }
    /// Trained networks with their names in reports.
    var networks: [(name: String, network: Module)] { get }
    /// Recoveries from divergence.
    var recoveries: RecoveryHistory { get set }
    /// Registry of the tensors and random streams that a step changes.
    var state: TrainingState { get }
    /// Graphs of the steps.
    var graphs: StepGraphs { get }
    /// Further metadata of a saved state.
    var facts: [String: String] { get }
    /// Minimum value of the discriminator's penalty that counts as a spike.
    var minPenaltySpike: Double { get }

    /// Performs one training step.
    /// - Parameter batches: returns the next `count` real pictures.
    /// - Throws: `TrainingError.diverged` if a loss is not finite; on CUDA the next `takeReport` throws it.
    func step(_ batches: (_ count: Int) -> ImageBatch) throws

    /// Measurements of the steps since the last call, for log, curves and supervision.
    /// - Throws: `TrainingError.diverged` if a value is not finite.
    func takeReport() throws -> TrainerReport

    /// Events since the last call, such as the start of a phase.
    func takeEvents() -> [TrainerEvent]

    /// Previews and scores of a run.
    /// - Parameters:
    ///   - store: pictures of the run.
    ///   - subset: indices of the training pictures; nil for all.
    /// - Throws: `TrainingError.refused` if the pictures lack labels or a validation part; `EvaluationError` for an unknown
    ///   metric.
    func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor

    /// Updates values that depend on the clock. Called after a change of the clock or the state.
    func clockChanged()
}

extension Trainer {
    /// Current factor of all learning rates: schedule times recoveries from divergence.
    public var learningRateFactor: Double {
        recipe.schedule.factor.value(atKimg: clock.kimg) * recoveries.learningRateFactor
    }
    /// No metadata.
    public var facts: [String: String] { [:] }
    /// 1.
    public var minPenaltySpike: Double { 1 }
    /// Does nothing.
    public func clockChanged() {}
    /// No events.
    public func takeEvents() -> [TrainerEvent] { [] }

    /// Runs `body` with the kernels and the precision of the run.
    func computing<Result>(_ body: () -> Result) -> Result {
        withKernels(kernels) { withAutocast(precision.autocast, on: device, body) }
    }

    /// Sets the values of an optimizer that change over a run.
    /// - Parameters:
    ///   - optimizer: optimizer of a network.
    ///   - settings: its settings.
    ///   - correction: see `OptimizerSettings.make`.
    ///   - share: factor of the learning rate, in addition to `learningRateFactor`.
    func schedule(
        _ optimizer: any Optimizer, _ settings: OptimizerSettings, correction: Double = 1,
        share: @escaping () -> Double = { 1 }
    ) {
        optimizer.learningRate = graphs.factor { [unowned self] in
            settings.learningRate * learningRateFactor * share() * correction
        }
        guard !settings.beta2.isConstant, let optimizer = optimizer as? any SecondMomentOptimizer else {
            return
        }
        optimizer.beta2 = graphs.factor { [unowned self] in
            pow(settings.beta2.value(atKimg: clock.kimg), correction)
        }
    }

    /// The complete state, except for the position in the data.
    public func checkpoint() -> Checkpoint {
        var checkpoint = Checkpoint(recipe: recipe, clock: clock)
        state.save(to: &checkpoint)
        checkpoint.facts = facts
        checkpoint.facts["precision"] = precision.rawValue
        if !recoveries.isEmpty { checkpoint.facts[RecoveryHistory.fact] = recoveries.text }
        return checkpoint
    }

    /// Restores a saved state.
    /// - Throws: `CheckpointError` with all mismatches; the trainer is then unchanged.
    public func restore(_ checkpoint: Checkpoint) throws {
        try state.restore(from: checkpoint)
        clock = checkpoint.clock
        clockChanged()
        recoveries = checkpoint.facts[RecoveryHistory.fact].flatMap(RecoveryHistory.init) ?? RecoveryHistory()
    }
}

/// Measurements of some training steps.
public struct TrainerReport {
    /// Values for log and curves.
    public let scalars: [Scalar]
    /// Values for supervision; nil for trainers without a discriminator to supervise.
    public let health: HealthValues?

    /// Creates a report.
    public init(scalars: [Scalar], health: HealthValues? = nil) {
        (self.scalars, self.health) = (scalars, health)
    }
}

/// Event of a trainer, such as the start of a phase.
public struct TrainerEvent: Sendable, Equatable {
    /// Message, one sentence.
    public let text: String
    /// Name of a checkpoint that the run saves at this event; nil for none.
    public let checkpointName: String?

    /// Creates an event.
    public init(_ text: String, checkpointName: String? = nil) {
        (self.text, self.checkpointName) = (text, checkpointName)
    }
}

/// One value of a training log.
public struct Scalar: Sendable, Equatable {
    /// Key in the log.
    public let key: String
    /// Name of the curve, such as `loss/generator`.
    public let curve: String
    /// Group on the progress line; empty for none.
    public let group: String
    /// Label on the progress line, after the group; empty if the line does not show the value.
    public let label: String
    /// Value.
    public let value: Double

    /// Creates a value that the progress line shows at `place`, unless its label is empty.
    public init(_ key: String, _ curve: String, _ place: (group: String, label: String), _ value: Double) {
        (self.key, self.curve, self.value) = (key, curve, value)
        (group, label) = place
    }

    /// Creates a value for log and curves only.
    public init(_ key: String, _ curve: String, _ value: Double) { self.init(key, curve, ("", ""), value) }
}

extension Recipe {
    /// Creates the trainer of this recipe, with initial weights from `seed`.
    /// - Parameters:
    ///   - labels: labels of the pictures, empty if there are none.
    ///   - seed: seed of the initial weights and of all random streams.
    ///   - device: device of the networks.
    ///   - precision: precision of the networks; `.auto` is resolved for the device.
    ///   - kernels: fast kernels, or those of libtorch.
    ///   - drawsOnCPU: whether random numbers are those of the CPU on every device.
    /// - Throws: `TrainingError.refused` if the labels lack an attribute; `CheckpointError` or `WeightsError` if a
    ///   perceptual network cannot be loaded.
    public func trainer(
        labels: Labels, seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard, drawsOnCPU: Bool = false
    ) throws -> any Trainer {
        switch system {
        case .adversarial:
            try AdversarialTrainer(
                recipe: self, labels: labels, seed: seed, device: device, precision: precision,
                kernels: kernels, drawsOnCPU: drawsOnCPU)
        case .attributes:
            try AttributeTrainer(
                recipe: self, attributes: labels.attributeNames, seed: seed, device: device,
                precision: precision,
                kernels: kernels)
        case .restoration:
            try RestorationTrainer(
                recipe: self, seed: seed, device: device, precision: precision, kernels: kernels,
                drawsOnCPU: drawsOnCPU)
        case .conversion:
            try ConversionTrainer(
                recipe: self, labels: labels, seed: seed, device: device, precision: precision,
                kernels: kernels, drawsOnCPU: drawsOnCPU)
        }
    }
}
