import Models
import Objectives
import Recipes
import Torch
import TorchNN

// The discriminator's step.
extension AdversarialTrainer {
    /// One step of the discriminator on real and on detached generated pictures, each [N, 3, side, side].
    /// - Parameter labels: of both, [N, K].
    package func trainDiscriminator(real: Tensor, fake: Tensor, labels: Tensor? = nil) {
        let (real, fake) = withoutGradients { (noisy(real), noisy(fake)) }
        let weights = discriminatorOptimizer.parameters.map(\.parameter.value)
        // Each tape is used up before the next begins, so that only one is alive.
        var (game, found) =
            discriminator.usesBatchStatistics
            ? playApart(real, fake, labels, wrt: weights) : playTogether(real, fake, labels, wrt: weights)
        let taken = Int(lazySteps.item())
        let due = penalties(real, fake, labels).filter { $0.lazy.isDue(after: taken) }
        var paid: Tensor?
        func pay(_ penalty: (lazy: LazyRegularization, value: () -> Tensor), into found: inout [Tensor?]) {
            let value = penalty.value() * penalty.lazy.factor
            paid = paid.map { $0 + value.detached() } ?? value.detached()
            addGradients(of: value, wrt: weights, to: &found)
        }
        for penalty in due where penalty.lazy.every == 1 { pay(penalty, into: &found) }
        game.loss = paid.map { game.loss.detached() + $0 } ?? game.loss
        withoutGradients { apply(found, settings.discriminatorOptimizer, discriminatorOptimizer) }
        // A lazy penalty's own step stands on the weights that the game has moved.
        for penalty in due where penalty.lazy.every > 1 {
            var slopes = weights.map { _ in Tensor?.none }
            pay(penalty, into: &slopes)
            withoutGradients { apply(slopes, settings.discriminatorOptimizer, discriminatorOptimizer) }
        }
        withoutGradients {
            lazySteps.add_(Tensor.ones(like: lazySteps))
            if settings.augment.kind == .ada {
                let logits = game.real - (settings.loss.border ?? 0)
                view.observe(realLogits: logits.rank > 1 ? logits.mean([1]) : logits)
            }
            note(game)
            health.add(discriminatorGradient: HealthStatistics.norm(found, on: device), penalty: paid)
        }
    }

    /// Both kinds of pictures in one batch.
    private func playTogether(
        _ real: Tensor, _ fake: Tensor, _ labels: Tensor?, wrt weights: [Tensor]
    ) -> (Game, [Tensor?]) {
        let count = real.shape[0]
        let verdict = judge(
            Tensor.concatenated([real, fake.to(real.dtype)]), labels.map { Tensor.concatenated([$0, $0]) })
        return game(
            DiscriminatorOutput(
                logits: verdict.logits[0..<count], attributes: verdict.attributes.map { $0[0..<count] }),
            verdict.logits[count..<(2 * count)], labels, wrt: weights)
    }

    /// The loss of both kinds at once.
    private func game(
        _ real: DiscriminatorOutput, _ fake: Tensor, _ labels: Tensor?, wrt weights: [Tensor]
    ) -> (Game, [Tensor?]) {
        let loss = completed(settings.loss.discriminator(real: real.logits, fake: fake), real, labels)
        return ((real.logits, fake, loss), gradients(of: [loss], wrt: weights))
    }

    /// A batch for each kind of pictures, as batch statistics want it.
    private func playApart(
        _ real: Tensor, _ fake: Tensor, _ labels: Tensor?, wrt weights: [Tensor]
    ) -> (Game, [Tensor?]) {
        let verdict = judge(real, labels)
        // Pairs have one loss and one tape.
        if settings.loss.isRelativistic {
            return game(verdict, judge(fake, labels).logits, labels, wrt: weights)
        }
        let realLoss = completed(settings.loss.real(verdict.logits), verdict, labels)
        var found = gradients(of: [realLoss], wrt: weights)
        let fakeLogits = judge(fake, labels).logits
        let fakeLoss = settings.loss.fake(fakeLogits)
        addGradients(of: fakeLoss, wrt: weights, to: &found)
        return ((verdict.logits, fakeLogits, withoutGradients { realLoss + fakeLoss }), found)
    }

    /// A loss with what else real pictures decide: a critic's drift and the names of labels.
    private func completed(_ loss: Tensor, _ real: DiscriminatorOutput, _ labels: Tensor?) -> Tensor {
        var loss = loss
        let drift = settings.gradientPenalty.drift
        if drift > 0 { loss = loss + real.logits.square().mean() * drift }
        if let attributes = real.attributes, let labels {
            loss = loss + settings.attributeLoss.real(attributes, attributes: labels)
        }
        return loss
    }

    /// The recipe's penalties, each with its cadence.
    private func penalties(
        _ real: Tensor, _ fake: Tensor, _ labels: Tensor?
    ) -> [(lazy: LazyRegularization, value: () -> Tensor)] {
        let critic = { [self] (images: Tensor) -> Tensor in judge(images, labels, moves: false).logits }
        func share() -> Tensor {
            Tensor.uniform([real.shape[0], 1, 1, 1], random: shares).to(device)
        }
        var found: [(lazy: LazyRegularization, value: () -> Tensor)] = []
        let (slope, dragan, flat) = (
            settings.gradientPenalty, settings.draganPenalty, settings.zeroCenteredPenalty
        )
        if slope.weight > 0 {
            found.append((slope.lazy, { slope(real: real, fake: fake, share: share(), critic: critic) }))
        }
        if dragan.weight > 0 {
            found.append(
                (
                    dragan.lazy,
                    { [self] in
                        let noise = Tensor.uniform(real.shape, random: shares).to(device)
                        return dragan(real: real, noise: noise, share: share(), critic: critic)
                    }
                ))
        }
        if flat.isOn {
            found.append(
                (
                    flat.lazy,
                    {
                        let terms =
                            (flat.r1Gamma > 0 ? [flat.r1(real: real, critic: critic)] : [])
                            + (flat.r2Gamma > 0 ? [flat.r2(fake: fake, critic: critic)] : [])
                        return terms.dropFirst().reduce(terms[0]) { $0 + $1 }
                    }
                ))
        }
        return found
    }
}
