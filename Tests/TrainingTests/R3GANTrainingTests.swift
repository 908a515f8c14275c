import Datasets
import Foundation
import Models
import Objectives
import Recipes
import Settings
import TensorTestSupport
import Testing
import Torch
import TorchNN
import Training

/// The recipe r3gan in training.
@Suite struct R3GANTrainingTests {
    private static let small = [
        "resolution=16", "batchSize=8", "augment.kind=none", "generator.latent.size=6",
        "generator.channelBase=128", "generator.maxFilters=12", "generator.groupSize=4",
        "discriminator.channelBase=128", "discriminator.maxFilters=12", "discriminator.groupSize=4",
    ]
    /// All values change over 60 images.
    private static let schedules =
        [
            "schedule.endKimg=0.06", "average.halfLifeKimg.to=0.04", "average.halfLifeKimg.endKimg=0.06",
            "zeroCenteredPenalty.r1Gamma.endKimg=0.06", "zeroCenteredPenalty.r2Gamma.endKimg=0.06",
        ]
        + ["generatorOptimizer", "discriminatorOptimizer"].flatMap {
            ["\($0).learningRate=2e-3", "\($0).epsilon=0.001", "\($0).beta2.endKimg=0.06"]
        }

    /// Ten steps with R1, R2, the relativistic loss and all schedules. Golden of make_r3gan.py.
    @Test func tenStepsEqualPyTorch() throws {
        let golden = try goldenTensors("Training/r3gan.safetensors")
        let recipe = try Recipe.load("r3gan", overrides: Self.small + Self.schedules)
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 7, precision: .fp32)
        try expectTenSteps(
            trainer, trainer.networks, average: try #require(trainer.averaged), golden)
    }

    /// The values of the authors' code at the start, in the middle and after the change over 20 million images.
    @Test(arguments: [
        (0.0, 2e-4, 0.9, 2.0, 0.0, 0.0), (10_000, 1.25e-4, 0.945, 1.1, 0.15, 250),
        (20_000, 5e-5, 0.99, 0.2, 0.3, 500), (50_000, 5e-5, 0.99, 0.2, 0.3, 500),
    ])
    func valuesFollowTheirSchedules(
        kimg: Double, rate: Double, beta2: Double, gamma: Double, probability: Double, halfLife: Double
    ) throws {
        let recipe = try Recipe.load("r3gan")
        let settings = recipe.adversarial
        for optimizer in [settings.generatorOptimizer, settings.discriminatorOptimizer] {
            #expect(abs(optimizer.learningRate * recipe.schedule.factor.value(atKimg: kimg) - rate) < 1e-9)
            #expect(abs(optimizer.beta2.value(atKimg: kimg) - beta2) < 1e-9 && optimizer.beta1 == 0)
        }
        for weight in [settings.zeroCenteredPenalty.r1Gamma, settings.zeroCenteredPenalty.r2Gamma] {
            #expect(abs(weight.value(atKimg: kimg) - gamma) < 1e-9)
        }
        #expect(abs(settings.augment.probability.value(atKimg: kimg) - probability) < 1e-9)
        #expect(abs(recipe.average.halfLifeKimg.value(atKimg: kimg) - halfLife) < 1e-6)
        let decay = recipe.average.decay(batchSize: 256, images: Int(kimg * 1000))
        #expect(abs(decay - (halfLife > 0 ? pow(0.5, 0.256 / halfLife) : 0)) < 1e-9)
    }
}
