import Checkpoints
import Testing
import Torch
import Training

/// Gradient checkpointing changes how much is kept, and not one bit of what is learnt.
@Suite struct CheckpointingTests {
    @Test(arguments: ["dcgan", "dcgan-dense", "wgan-gp"], [Precision.fp32, .bf16])
    func learnsTheSame(recipe: String, precision: Precision) throws {
        let tiny = try TinyRun()
        // Wide enough for the fast kernels.
        let wide = ["generator", "discriminator"].flatMap { ["\($0).filters=64", "\($0).maxFilters=64"] }
        func state(_ name: String, _ overrides: [String]) throws -> [String: [UInt8]] {
            let recipe = try TinyRun.recipe(recipe, wide + overrides)
            let run = try tiny.train(name, recipe, steps: 3, precision: precision)
            return Dictionary(
                uniqueKeysWithValues: run.trainer.checkpoint().tensors.map { ($0.key, $0.tensor.bytes()) })
        }
        let plain = try state("plain", [])
        let checkpointed = try state("checkpointed", ["training.gradientCheckpointing=true"])
        #expect(plain.count == checkpointed.count)
        for (key, bytes) in plain { #expect(checkpointed[key] == bytes, "\(key)") }
    }
}
