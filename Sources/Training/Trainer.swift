import Datasets
import Recipes
import Settings
import Torch
import TorchNN

/// Networks, optimizers and everything else that a step changes; no files, no clock on the wall.
public protocol Trainer: AnyObject {
    var recipe: Recipe { get }
    var device: Device { get }
    /// Never `.auto`.
    var precision: Precision { get }
    var kernels: Kernels { get }
    var clock: TrainingClock { get set }
    /// Real images that one step takes.
    var imagesPerStep: Int { get }
    /// What learns, by the name that a reader knows it by.
    var networks: [(name: String, network: Module)] { get }
    /// What divergences have changed.
    var recoveries: RecoveryHistory { get set }
    /// The factor of the learning rates now, recoveries counted.
    var learningRateFactor: Double { get }

    /// One step of everything that learns.
    /// - Parameter batches: gives the next so many real pictures.
    /// - Throws: `TrainingError.diverged` when a loss is not finite (on CUDA at the next `takeReadings`).
    func step(_ batches: (_ count: Int) -> ImageBatch) throws

    /// What the steps since the last call gave, for the log, the curves and the line.
    /// - Throws: `TrainingError.diverged` when one is not finite.
    func takeReadings() throws -> [Scalar]

    /// What it did by itself since the last call.
    func takeEvents() -> [TrainerEvent]

    /// What a run of this shows of itself.
    /// - Parameter subset: the pictures that it learns from; nil for all.
    /// - Throws: `TrainingError.refused` when the pictures lack something.
    func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor

    /// Takes up what follows from the clock, which has been set.
    func clockChanged()

    /// Every tensor that a step changes, except for random numbers.
    var sections: [(name: String, tensors: [(key: String, tensor: Tensor)])] { get }
    /// The streams that a step draws from.
    var streams: [(name: String, source: RandomSource)] { get }
    /// What else a saved state should say.
    var facts: [String: String] { get }
}

extension Trainer {
    public var learningRateFactor: Double {
        recipe.schedule.factor.value(atKimg: clock.kimg) * recoveries.learningRateFactor
    }
    public var facts: [String: String] { [:] }
    public func clockChanged() {}
    public func takeEvents() -> [TrainerEvent] { [] }

    /// Computes with the run's kernels and precision.
    func computing<Result>(_ body: () -> Result) -> Result {
        withKernels(kernels) { withAutocast(precision.autocast, on: device, body) }
    }

    /// Gradients in, weights changed and kept within their limit.
    func apply(_ found: [Tensor?], _ settings: OptimizerSettings, _ optimizer: any Optimizer) {
        var found = found
        if settings.clipNorm > 0 { clipGradients(&found, maxNorm: settings.clipNorm) }
        optimizer.step(found)
        guard settings.weightLimit > 0 else { return }
        let limit = settings.weightLimit
        withoutGradients {
            for (_, parameter) in optimizer.parameters { parameter.value.clamp_(-limit...limit) }
        }
    }
}
