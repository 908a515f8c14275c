import Models
import Objectives
import Recipes
import Torch
import TorchNN

// The generator's step.
extension AdversarialTrainer {
    /// One step on generated pictures with their tape.
    /// - Parameters:
    ///   - real: as many real ones, for losses that compare both.
    ///   - labels: of both, [N, K].
    func trainGenerator(_ fake: Tensor, against real: Tensor, labels: Tensor?) {
        let verdict = discriminator.frozen { judge(noisy(fake), labels, moves: false) }
        let matches = recipe.featureMatching.weight > 0
        let other =
            matches || recipe.loss.isRelativistic
            ? withoutGradients { judge(noisy(real), labels, moves: false) } : nil
        var loss =
            recipe.loss.isRelativistic
            ? recipe.loss.generator(fake: verdict.logits, real: other!.logits)
            : recipe.loss.generator(verdict.logits)
        if let attributes = verdict.attributes, let labels, recipe.attributeLoss.fakeWeight > 0 {
            loss = loss + recipe.attributeLoss.fake(attributes, attributes: labels)
        }
        if matches { loss = loss + recipe.featureMatching(fake: verdict.maps, real: other!.maps) }
        if let perceptual, fake.shape[2] >= recipe.perceptual.leastSide {
            let known = withoutGradients { perceptual.maps(real) }
            loss = loss + recipe.perceptual.loss(fake: perceptual.maps(fake), real: known)
        }
        let found = gradients(of: [loss], wrt: generatorOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            apply(found, recipe.generatorOptimizer, generatorOptimizer)
            statistics.add(generatorLoss: loss)
            health.add(generatorGradient: HealthStatistics.norm(found, on: device), fake: fake, real: real)
        }
    }
}
