import Datasets
import Foundation
import Recipes
import SyntheticFaces
import Torch

/// What a recipe costs on this machine, measured over a few steps on gray pictures.
public struct TrainingEstimate: Sendable {
    public let secondsPerStep: Double
    public let imagesPerSecond: Double
    /// Largest resident memory of this process, or memory in tensors on a CUDA device, in bytes.
    public let peakBytes: Int?

    /// Of one picture that has all attributes of the built-in faces: for recipes that want labels, where there are no pictures.
    package static var labels: Labels {
        var labels = Labels(count: 1)
        labels.attributeNames = BuiltInFaces.attributeNames
        labels.attributes = [Int8](repeating: 1, count: labels.attributeNames.count)
        return labels
    }

    /// A recipe of phases that begins with its last one, which takes the longest.
    private static func slowest(_ recipe: Recipe) -> Recipe {
        guard case .restoration(var settings) = recipe.system, settings.phases.adversarialWeight > 0 else {
            return recipe
        }
        var recipe = recipe
        let drops = settings.phases.dropout.maxKimg > 0
        (settings.phases.warp, settings.phases.plain) = (.init(maxKimg: 0), .init(maxKimg: 0))
        // Dropout stays on after its phase, which a first step to warm up ends.
        settings.phases.dropout = .init(maxKimg: drops ? 1e-6 : 0)
        recipe.system = .restoration(settings)
        return recipe
    }

    /// Takes two steps to warm up and then `steps` more.
    /// - Throws: `TorchError.outOfMemory` when the recipe does not fit.
    public static func measure(
        _ recipe: Recipe, device: Device, precision: Precision, steps: Int = 3
    ) throws -> TrainingEstimate {
        try recoveringFromOutOfMemory {
            let labels = Self.labels
            let trainer = try slowest(recipe).trainer(
                labels: labels, seed: 0, device: device, precision: precision)
            // Growing networks are measured when they have grown.
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
                if case .cuda(let index) = device { Engine.cudaMemory(index).peak } else {
                    ProcessMemory.peak
                }
            return TrainingEstimate(
                secondsPerStep: seconds, imagesPerSecond: Double(trainer.imagesPerStep) / seconds,
                peakBytes: peak)
        }
    }
}
