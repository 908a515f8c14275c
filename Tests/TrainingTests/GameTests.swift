import Foundation
import Models
import Objectives
import Recipes
import Testing
import Torch
import TorchNN
import Training

/// Every game that a recipe can name, through the whole step.
@Suite struct GameTests {
    @Test(arguments: AdversarialLoss.Kind.allCases, ["dcgan", "wgan-gp"])
    func stepsGoWell(kind: AdversarialLoss.Kind, recipe name: String) throws {
        var recipe = try TinyRun.recipe(name)
        recipe.adversarial.loss = AdversarialLoss(kind)
        recipe.adversarial.steps.discriminator = 1
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        let before = trainer.generator.state.map { $0.tensor.floats() }
        for _ in 0..<3 { try trainer.step { _ in grayBatch(recipe) } }
        let means = try trainer.takeStatistics()
        #expect(means.discriminatorLoss.isFinite && means.generatorLoss.isFinite)
        #expect(trainer.generator.state.map { $0.tensor.floats() } != before)
        #expect(trainer.state.firstNotFinite() == nil)
    }

    /// A pair is judged by the difference of its logits, in both networks' steps.
    @Test func pairsAreComparedByTheirDifference() throws {
        var recipe = try TinyRun.recipe("wgan-gp", ["gradientPenalty.weight=0"])
        recipe.adversarial.loss = AdversarialLoss(.relativistic)
        recipe.adversarial.steps.discriminator = 1
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        let random = RandomSource(seed: 5)
        let shape = [recipe.batchSize, 3, 16, 16]
        let (real, fake) = (
            Tensor.uniform(shape, -1, 1, random: random), Tensor.uniform(shape, -1, 1, random: random)
        )
        let logits = withoutGradients {
            (trainer.discriminator(real).floats(), trainer.discriminator(fake).floats())
        }
        trainer.trainDiscriminator(real: real, fake: fake)
        let loss = try trainer.takeStatistics().discriminatorLoss
        let terms = zip(logits.0, logits.1).map { log(1 + exp(Double($1 - $0))) }
        #expect(abs(loss - terms.reduce(0, +) / Double(terms.count)) < 1e-5)
    }
}
