import Models
import Objectives
import Recipes
import Settings
import Torch

// What both steps measure, and what the discriminator sees when it does not learn.
extension AdversarialTrainer {
    /// What is said of a batch: logits of both kinds of pictures and the loss.
    typealias Game = (real: Tensor, fake: Tensor, loss: Tensor)

    /// Pictures as the discriminator sees them.
    func noisy(_ images: Tensor) -> Tensor {
        let deviation = settings.instanceNoise.schedule.value(atKimg: clock.kimg)
        guard deviation > 0 else { return images }
        return images + (Tensor.normal(images.shape, random: noise) * deviation).to(device).to(images.dtype)
    }

    /// The discriminator says what it thinks and learns nothing.
    func look(real: Tensor, fake: Tensor, labels: Tensor?) {
        withoutGradients {
            let real = judge(noisy(real), labels, moves: false).logits
            let fake = judge(noisy(fake), labels, moves: false).logits
            note((real, fake, settings.loss.discriminator(real: real, fake: fake)))
        }
    }

    /// Keeps what the discriminator said.
    func note(_ game: Game) {
        let accuracy = settings.loss.accuracy(real: game.real, fake: game.fake)
        balance.note(accuracy)
        health.add(accuracy: accuracy, gap: game.real.mean() - game.fake.mean())
        statistics.add(
            discriminatorLoss: game.loss, realScore: settings.loss.score(game.real),
            fakeScore: settings.loss.score(game.fake))
    }
}
