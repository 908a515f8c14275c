import Checkpoints
import Datasets
import Models
import Recipes
import TensorTestSupport
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// The recipe stylegan2 in training.
@Suite struct StyleGAN2TrainingTests {
    private static let small = [
        "resolution=16", "batchSize=8", "generator.channelBase=128", "generator.maxFilters=12",
        "generator.wSize=10", "generator.latent.size=6", "discriminator.channelBase=128",
        "discriminator.maxFilters=12", "augment.kind=none",
    ]

    /// Ten steps with R1, path-length regularization, style mixing and random noise. Golden of make_stylegan2.py.
    @Test func tenStepsEqualPyTorch() throws {
        let golden = try goldenTensors("Training/stylegan2.safetensors")
        let recipe = try Recipe.load(
            "stylegan2",
            overrides: Self.small + [
                "generator.styleMixing=0.5", "zeroCenteredPenalty.r1Gamma=0.5", "zeroCenteredPenalty.every=4",
                "pathLength.every=2", "average.halfLifeKimg=0",
            ])
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 7, precision: .fp32)
        try expectTenSteps(trainer, trainer.networks, golden)
        let style = try #require(trainer.generator as? StyleGAN2Generator)
        try expectNear(style.averageW.value, "end.w_avg", golden, 1e-4)
        let mean = try #require(trainer.checkpoint().section("regularizers.path length").first?.tensor)
        try expectNear(mean, "end.path_mean", golden, 1e-4)
    }

    /// A resumed run equals an uninterrupted one, with all options of the recipe.
    @Test func resumedRunsAreTheSame() throws {
        let recipe = try Recipe.load(
            "stylegan2",
            overrides: Self.small.dropLast() + ["zeroCenteredPenalty.every=2", "pathLength.every=2"])
        func trainer() throws -> AdversarialTrainer {
            try AdversarialTrainer(recipe: recipe, seed: 3, precision: .fp32)
        }
        func step(_ trainer: AdversarialTrainer, _ count: Int) throws {
            for _ in 0..<count {
                let pixels = (0..<8 * 16 * 16 * 3).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                try trainer.step { _ in ImageBatch(pixels: pixels, count: 8, size: 16) }
            }
        }
        let whole = try trainer()
        try step(whole, 5)
        let first = try trainer()
        try step(first, 3)
        let second = try trainer()
        try second.restore(first.checkpoint())
        try step(second, 2)
        let (a, b) = (whole.checkpoint().tensors, second.checkpoint().tensors)
        #expect(a.map(\.key) == b.map(\.key) && a.count > 100)
        for (one, other) in zip(a, b) {
            #expect(one.tensor.contiguous().bytes() == other.tensor.contiguous().bytes(), "\(one.key)")
        }
    }
}
