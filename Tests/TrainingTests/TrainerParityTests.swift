import Checkpoints
import Datasets
import Models
import Recipes
import Settings
import TestSupport
import Testing
import Torch
import Training

/// The trainer compared with PyTorch's DCGAN example for one seed: initial weights, ten steps, logged means.
@Suite struct TrainerParityTests {
    @Test func tenStepsEqualPyTorch() throws {
        let read = try TensorFile.read(goldens("Models/dcgan.safetensors")).tensors
        let golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        var recipe = Recipe()
        (recipe.resolution, recipe.batchSize) = (32, 4)
        recipe.adversarial.generator.latent = LatentSpace(size: 10)
        recipe.adversarial.generator[DCGANSettings.self].filters = 4
        recipe.adversarial.discriminator[DCGANSettings.self].filters = 4
        recipe.average.halfLifeKimg = 0
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 7, precision: .fp32)
        expectClose(trainer.checkpoint(), "start", golden, within: 1e-5)

        let coarse = try #require(golden["coarse"])
        for step in 0..<10 {
            let blocks = coarse[step].to(.float32).upsampledNearest(height: 32, width: 32)
            let pixels = blocks.to(.uint8).permuted([0, 2, 3, 1]).contiguous().bytes()
            try trainer.step { _ in ImageBatch(pixels: pixels, count: 4, size: 32) }
        }
        expectClose(trainer.checkpoint(), "end", golden, within: 1e-4)

        let means = try trainer.takeStatistics()
        let found = [means.discriminatorLoss, means.generatorLoss, means.realScore, means.fakeScore]
        for (value, expected) in zip(found, try #require(golden["means"]).floats()) {
            #expect(abs(value - Double(expected)) < 1e-5 * abs(Double(expected)))
        }
    }

    private func expectClose(
        _ checkpoint: Checkpoint, _ moment: String, _ golden: [String: Tensor], within tolerance: Double
    ) {
        var compared = 0
        for network in ["generator", "discriminator"] {
            for (key, tensor) in checkpoint.section(network) {
                guard let other = golden["\(moment).\(network).\(key)"], other.shape == tensor.shape else {
                    Issue.record("\(moment): PyTorch has no such \(network).\(key)")
                    continue
                }
                let (a, b) = (tensor.to(.float64), other.to(.float64))
                let largest = max(b.abs().max().item(), 1e-30)
                let difference = (a - b).abs().max().item() / largest
                #expect(difference <= tolerance, "\(moment) \(network).\(key) differs by \(difference)")
                compared += 1
            }
        }
        #expect(compared == golden.keys.filter { $0.hasPrefix(moment + ".") }.count)
    }
}
