import Datasets
import TensorTestSupport
import Testing
import Torch
import TorchNN
import Training

/// Trains networks of a golden file for ten steps, and expects their weights as the file has them.
/// - Parameters:
///   - trainer: trainer of pictures of 16 x 16 pixels in batches of 8.
///   - networks: trained networks with their names in the file.
///   - average: moving average of the generator; nil for none.
func expectTenSteps(
    _ trainer: AdversarialTrainer, _ networks: [(name: String, network: Module)], average: Module? = nil,
    _ golden: [String: Tensor]
) throws {
    for (name, module) in networks { try module.load(section("start.\(name).", of: golden)) }
    try average?.load(section("start.generator.", of: golden))
    let coarse = try #require(golden["coarse"])
    for step in 0..<10 {
        let blocks = coarse[step].to(.float32).upsampledNearest(height: 16, width: 16)
        let pixels = blocks.to(.uint8).permuted([0, 2, 3, 1]).contiguous().bytes()
        try trainer.step { _ in ImageBatch(pixels: pixels, count: 8, size: 16) }
    }
    for (name, module) in networks {
        for (key, parameter) in module.parameters {
            try expectNear(parameter.value, "end.\(name).\(key)", golden, 1e-4)
            // Training changes every parameter.
            let start = try #require(golden["start.\(name).\(key)"])
            #expect((parameter.value.detached() - start).abs().max().item() > 1e-4, "\(key)")
        }
    }
    for (key, parameter) in average?.parameters ?? [] {
        try expectNear(parameter.value, "end.average.\(key)", golden, 1e-4)
    }
}
