import Foundation
import Recipes
import Torch

extension TrainingEstimate {
    /// Real pictures a second of the discriminator's step alone, on pictures of noise; for `make bench`.
    /// - Returns: one reading for every `every` of the `steps`.
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
