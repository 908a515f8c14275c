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
        let matches = settings.featureMatching.weight > 0
        let other =
            matches || settings.loss.isRelativistic
            ? withoutGradients { judge(noisy(real), labels, moves: false) } : nil
        var loss =
            settings.loss.isRelativistic
            ? settings.loss.generator(fake: verdict.logits, real: other!.logits)
            : settings.loss.generator(verdict.logits)
        if let attributes = verdict.attributes, let labels, settings.attributeLoss.fakeWeight > 0 {
            loss = loss + settings.attributeLoss.fake(attributes, attributes: labels)
        }
        if matches { loss = loss + settings.featureMatching(fake: verdict.maps, real: other!.maps) }
        if let perceptual, fake.shape[2] >= settings.perceptual.minSide {
            let known = withoutGradients { perceptual.maps(real) }
            loss = loss + settings.perceptual.loss(fake: perceptual.maps(fake), real: known)
        }
        let found = gradients(of: [loss], wrt: generatorOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            apply(found, settings.generatorOptimizer, generatorOptimizer)
            statistics.add(generatorLoss: loss)
            health.add(generatorGradient: HealthStatistics.norm(found, on: device), fake: fake, real: real)
        }
    }
}
