import Datasets
import Foundation
import Recipes
import SyntheticFaces
import Torch

/// Time and memory of a recipe on this machine, measured over a few steps with gray pictures.
public struct TrainingEstimate: Sendable {
    /// Mean duration of a training step, in seconds.
    public let secondsPerStep: Double
    /// Real images per second.
    public let imagesPerSecond: Double
    /// Maximum resident memory of this process, or of tensors on a CUDA device, in bytes; nil if unknown.
    public let peakBytes: Int?

    /// Labels of one picture with all attributes of the built-in faces, for recipes that need labels.
    package static var labels: Labels {
        var labels = Labels(count: 1)
        labels.attributeNames = BuiltInFaces.attributeNames
        labels.attributes = [Int8](repeating: 1, count: labels.attributeNames.count)
        return labels
    }

    /// The recipe, changed to start with its last phase, which is the slowest.
    static func startingWithLastPhase(_ recipe: Recipe) -> Recipe {
        guard case .restoration(var settings) = recipe.system, settings.phases.adversarialWeight > 0 else {
            return recipe
        }
        var recipe = recipe
        let drops = settings.phases.dropout.maxKimg > 0
        (settings.phases.warp, settings.phases.plain) = (.init(maxKimg: 0), .init(maxKimg: 0))
        // Learning-rate dropout continues after its phase, which the first warm-up step ends.
        settings.phases.dropout = .init(maxKimg: drops ? 1e-6 : 0)
        recipe.system = .restoration(settings)
        return recipe
    }

    /// Compares the size of the prepared batches with the memory of the machine. They are not tensors, and a lack of memory for
    /// them would end the process.
    /// - Throws: `TorchError.outOfMemory`.
    static func requireMemory(_ recipe: Recipe) throws {
        var sizes = [recipe.batchSize]
        if case .adversarial(let settings) = recipe.system { sizes += settings.growth.batchSizes }
        let (count, side) = (sizes.max() ?? 0, recipe.resolution)
        // Four batches are prepared, one is being loaded, and one is in use.
        guard 6 * count * side * side * 3 < Engine.machineMemory ?? .max else {
            throw TorchError.outOfMemory("\(count) pictures of \(side)x\(side) pixels in one step")
        }
    }

    /// Measures `steps` training steps after two warm-up steps.
    /// - Throws: `TorchError.outOfMemory` if the recipe needs more memory; errors of `Recipe.trainer`.
    public static func measure(
        _ recipe: Recipe, device: Device, precision: Precision, steps: Int = 3
    ) throws -> TrainingEstimate {
        try requireMemory(recipe)
        return try recoveringFromOutOfMemory {
            let labels = Self.labels
            let trainer = try startingWithLastPhase(recipe).trainer(
                labels: labels, seed: 0, device: device, precision: precision)
            // Growing networks are measured at their full resolution.
            if case .adversarial(let settings) = recipe.system, settings.grows {
                let endKimg = settings.growth.endKimg(resolution: recipe.resolution)
                trainer.clock.images = Int(endKimg * 1000)
            }
            let side = recipe.resolution
            func batch(_ count: Int) -> ImageBatch {
                ImageBatch(
                    pixels: [UInt8](repeating: 128, count: count * side * side * 3), count: count, size: side,
                    attributes: [Int8](repeating: 1, count: count * labels.attributeNames.count))
            }
            for _ in 0..<2 { try trainer.step(batch) }
            Engine.synchronize(device)
            let start = ProcessInfo.processInfo.systemUptime
            for _ in 0..<steps { try trainer.step(batch) }
            Engine.synchronize(device)
            let seconds = (ProcessInfo.processInfo.systemUptime - start) / Double(steps)
            let peak: Int? =
                if case .cuda(let index) = device { try Engine.cudaMemory(index).peak } else {
                    ProcessMemory.peak
                }
            return TrainingEstimate(
                secondsPerStep: seconds, imagesPerSecond: Double(trainer.imagesPerStep) / seconds,
                peakBytes: peak)
        }
    }
}

extension TrainingEstimate {
    /// Real pictures per second of the discriminator step alone, on noise; for `make bench`.
    /// - Returns: one value for each `every` steps.
    /// - Throws: errors of `AdversarialTrainer`.
    package static func measureDiscriminator(
        _ recipe: Recipe, device: Device, precision: Precision, steps: Int, every: Int
    ) throws -> [Double] {
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, device: device, precision: precision)
        let shape = [recipe.batchSize, 3, recipe.resolution, recipe.resolution]
        let random = RandomSource(seed: 0)
        func noise() -> Tensor { Tensor.uniform(shape, -1, 1, random: random).to(device).to(.channelsLast) }
        let (real, fake) = (noise(), noise())
        return stride(from: 0, to: steps, by: every).map { _ in
            let start = ProcessInfo.processInfo.systemUptime
            for _ in 0..<every { trainer.trainDiscriminator(real: real, fake: fake) }
            Engine.synchronize(device)
            return Double(every * recipe.batchSize) / (ProcessInfo.processInfo.systemUptime - start)
        }
    }
}
