import Checkpoints
import Datasets
import Recipes
import Settings
import Torch
import TorchNN

/// Networks, optimizers and everything else that a training step changes. Knows no files and no wall-clock time.
public protocol Trainer: AnyObject {
    var recipe: Recipe { get }
    var device: Device { get }
    /// Never `.auto`.
    var precision: Precision { get }
    var kernels: Kernels { get }
    var clock: TrainingClock { get set }
    /// Real images that one step takes.
    var imagesPerStep: Int { get }
    /// The networks that are trained, with the names that reports use.
    var networks: [(name: String, network: Module)] { get }
    /// Recoveries from divergence.
    var recoveries: RecoveryHistory { get set }
    /// The registry of all tensors and random streams that a step changes.
    var state: TrainingState { get }
    /// Further metadata of a saved state.
    var facts: [String: String] { get }
    /// Values of the discriminator's penalty below this are no spike.
    var minPenaltySpike: Double { get }

    /// One training step.
    /// - Parameter batches: returns the next real pictures, as many as it is asked for.
    /// - Throws: `TrainingError.diverged` if a loss is not finite; on CUDA at the next `takeReport`.
    func step(_ batches: (_ count: Int) -> ImageBatch) throws

    /// Measurements of the steps since the last call, for log, curves and supervision.
    /// - Throws: `TrainingError.diverged` if one is not finite.
    func takeReport() throws -> TrainerReport

    /// Changes that the trainer made by itself since the last call, such as a new phase.
    func takeEvents() -> [TrainerEvent]

    /// Previews and scores of a run.
    /// - Parameter subset: indices of the training pictures; nil for all.
    /// - Throws: `TrainingError.refused` if the pictures lack something.
    func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor

    /// Updates what follows from the clock. Called after the clock or the state has been set.
    func clockChanged()
}

extension Trainer {
    /// The current factor of all learning rates: the schedule, and the recoveries from divergence.
    public var learningRateFactor: Double {
        recipe.schedule.factor.value(atKimg: clock.kimg) * recoveries.learningRateFactor
    }
    public var facts: [String: String] { [:] }
    public var minPenaltySpike: Double { 1 }
    public func clockChanged() {}
    public func takeEvents() -> [TrainerEvent] { [] }

    /// Computes with the kernels and the precision of the run.
    func computing<Result>(_ body: () -> Result) -> Result {
        withKernels(kernels) { withAutocast(precision.autocast, on: device, body) }
    }

    /// Everything that a step changes, except for the position in the data.
    public func checkpoint() -> Checkpoint {
        var checkpoint = Checkpoint(recipe: recipe, clock: clock)
        state.save(to: &checkpoint)
        checkpoint.facts = facts
        checkpoint.facts["precision"] = precision.rawValue
        if !recoveries.isEmpty { checkpoint.facts[RecoveryHistory.fact] = recoveries.text }
        return checkpoint
    }

    /// Resumes from a saved state.
    /// - Throws: `CheckpointError` with everything that does not fit, before anything has changed.
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

    public init(scalars: [Scalar], health: HealthValues? = nil) {
        (self.scalars, self.health) = (scalars, health)
    }
}

/// A change that a trainer made by itself.
public struct TrainerEvent: Sendable, Equatable {
    /// One sentence.
    public let text: String
    /// Name of a state that is kept as it is now; nil for none.
    public let keptAs: String?

    public init(_ text: String, keptAs: String? = nil) { (self.text, self.keptAs) = (text, keptAs) }
}

/// One value of a training log.
public struct Scalar: Sendable, Equatable {
    /// Key in the log.
    public let key: String
    /// Name of its curve, such as `loss/generator`.
    public let curve: String
    /// Group on the progress line; empty for none.
    public let group: String
    /// Label on the progress line, behind the group; empty for a value that the line does not show.
    public let label: String
    public let value: Double

    public init(_ key: String, _ curve: String, _ place: (group: String, label: String), _ value: Double) {
        (self.key, self.curve, self.value) = (key, curve, value)
        (group, label) = place
    }

    /// A value for log and curves only.
    public init(_ key: String, _ curve: String, _ value: Double) { self.init(key, curve, ("", ""), value) }
}
