import Models
import Objectives
import Recipes
import Settings
import Torch
import TorchNN

// Phases of a training step: losses of discriminator and generator, and their lazy regularizers.
extension AdversarialTrainer {
    // MARK: Discriminator

    /// Loss of the discriminator with the drift penalty.
    var critic: CriticStep {
        CriticStep(
            loss: settings.loss, separatesBatches: discriminator.usesBatchStatistics,
            discriminate: { [unowned self] in discriminate($0, $1) },
            realTerms: { [unowned self] output in
                let drift = settings.gradientPenalty.drift
                return drift > 0 ? output.logits.square().mean() * drift : nil
            })
    }

    /// Performs one step of the discriminator.
    /// - Parameters:
    ///   - real: real pictures [N, 3, side, side] in -1...1.
    ///   - fake: generated pictures of the same shape, detached.
    ///   - labels: labels of both, [N, K]; nil for an unconditional discriminator.
    ///   - earlierSteps: earlier steps of the discriminator, which decide about lazy regularizers.
    package func trainDiscriminator(
        real: Tensor, fake: Tensor, labels: Tensor? = nil, earlierSteps: Int = 0
    ) {
        let (real, fake) = withoutGradients { (noisy(real), noisy(fake)) }
        var (output, penalty): (CriticStep.Output?, Tensor?) = (nil, nil)
        var step = critic
        let terms = step.realTerms
        step.realTerms = { [settings] output in
            let drift = terms(output)
            guard let attributes = output.attributes, let labels else { return drift }
            let classification = settings.attributeLoss.real(attributes, attributes: labels)
            return drift.map { $0 + classification } ?? classification
        }
        let context = DiscriminatorContext(
            real: real, fake: fake, random: mixStream, value: { [unowned self] in scheduled($0) }
        ) { [unowned self] in discriminate($0, labels, changesBuffers: false).logits }
        let phases = TrainingPhase.all(
            of: "discriminator", discriminatorOptimizer, settings.discriminatorOptimizer,
            regularizers: discriminatorRegularizers, in: context,
            observing: { term in penalty = penalty.map { $0 + term } ?? term }
        ) { context, weights in
            let (values, found) = step(
                real: context.real, fake: context.fake, realLabels: labels, fakeLabels: labels, wrt: weights)
            output = values
            return found
        }
        let stepContext = StepContext(real: real, labels: labels, fake: fake)
        let found = phases[0].run(stepContext)
        let adversarial = output!
        var loss = adversarial.loss
        if let penalty { loss = loss.detached() + penalty }
        for phase in phases.dropFirst() where phase.isDue(after: earlierSteps) { phase.run(stepContext) }
        withoutGradients {
            if settings.augment.kind == .ada {
                let logits = adversarial.real - (settings.loss.border ?? 0)
                augmentation.observe(realLogits: logits.rank > 1 ? logits.mean([1]) : logits)
            }
            measure(real: adversarial.real, fake: adversarial.fake, loss: loss)
            health.add(discriminatorGradient: HealthStatistics.norm(found, on: device), penalty: penalty)
        }
    }

    /// Output of the discriminator on augmented pictures [N, 3, side, side], in the precision of the run; logits in float32.
    /// - Parameter changesBuffers: whether this pass updates buffers, which one pass of a step does.
    func discriminate(
        _ images: Tensor, _ labels: Tensor?, changesBuffers: Bool = true
    ) -> DiscriminatorOutput {
        if self.changesBuffers, discriminator.isTraining != changesBuffers {
            discriminator.train(changesBuffers)
        }
        let probability = settings.augment.probability
        let augmented = augmentation(
            images, probability: probability.isConstant ? nil : scheduled(probability), random: augmentStream)
        return computing { discriminator(augmented, labels: labels) }.single
    }

    /// Pictures [N, 3, side, side] with instance noise.
    func noisy(_ images: Tensor) -> Tensor {
        guard instanceNoise > 0 else { return images }
        let deviation = graphs.factor { [unowned self] in instanceNoise }
        let noise = (Tensor.normal(images.shape, random: noiseStream) * deviation).to(device)
        return images + noise.to(images.dtype)
    }

    /// Current standard deviation of the instance noise.
    var instanceNoise: Double { settings.instanceNoise.schedule.value(atKimg: clock.kimg) }

    /// Current value of a scheduled number.
    private func scheduled(_ number: Scheduled<Double>) -> Factor {
        graphs.factor { [unowned self] in number.value(atKimg: clock.kimg) }
    }

    /// Measures the discriminator without training it.
    func measureDiscriminator(_ context: StepContext) {
        withoutGradients {
            let real = discriminate(noisy(context.real), context.labels, changesBuffers: false).logits
            let fake = discriminate(noisy(context.fake.detached()), context.labels, changesBuffers: false)
                .logits
            measure(real: real, fake: fake, loss: settings.loss.discriminator(real: real, fake: fake))
        }
    }

    /// Records accuracy, logit gap, loss and scores of a batch.
    func measure(real: Tensor, fake: Tensor, loss: Tensor) {
        let accuracy = settings.loss.accuracy(real: real, fake: fake)
        balance.note(accuracy)
        health.add(accuracy: accuracy, gap: real.mean() - fake.mean())
        statistics.add(
            discriminatorLoss: loss, realScore: settings.loss.score(real),
            fakeScore: settings.loss.score(fake))
    }

    // MARK: Generator

    /// Performs one step of the generator. The number of its earlier steps decides about lazy regularizers.
    func trainGenerator(_ context: StepContext, earlierSteps: Int) {
        var loss: Tensor?
        let regularizerContext = GeneratorContext(
            count: context.fake.shape[0], random: pathStream
        ) { [unowned self] count in generateForPath(count, context.labels) }
        let phases = TrainingPhase.all(
            of: "generator", generatorOptimizer, settings.generatorOptimizer,
            regularizers: generatorRegularizers, in: regularizerContext
        ) { [unowned self] context, weights in
            let value = generatorLoss(context)
            loss = value
            return gradients(of: [value], wrt: weights)
        }
        let found = phases[0].run(context)
        withoutGradients {
            statistics.add(generatorLoss: loss!)
            health.add(
                generatorGradient: HealthStatistics.norm(found, on: device), fake: context.fake,
                real: context.real)
        }
        for phase in phases.dropFirst() where phase.isDue(after: earlierSteps) { phase.run(context) }
    }

    /// Loss of the generator without regularizers, [].
    func generatorLoss(_ context: StepContext) -> Tensor {
        let (fake, real, labels) = (context.fake, context.real, context.labels)
        let output = discriminator.frozen { discriminate(noisy(fake), labels, changesBuffers: false) }
        let matches = settings.featureMatching.weight > 0
        let other =
            matches || settings.loss.isRelativistic
            ? withoutGradients { discriminate(noisy(real), labels, changesBuffers: false) } : nil
        var loss =
            settings.loss.isRelativistic
            ? settings.loss.generator(fake: output.logits, real: other!.logits)
            : settings.loss.generator(output.logits)
        if let attributes = output.attributes, let labels, settings.attributeLoss.fakeWeight > 0 {
            loss = loss + settings.attributeLoss.fake(attributes, attributes: labels)
        }
        if matches { loss = loss + settings.featureMatching(fake: output.maps, real: other!.maps) }
        if let perceptual, fake.shape[2] >= settings.perceptual.minSide {
            let target = withoutGradients { perceptual.maps(real) }
            loss = loss + settings.perceptual.loss(fake: perceptual.maps(fake), real: target)
        }
        return loss
    }

    /// Intermediate latents with gradients, and their pictures, for path-length regularization. The latents are z if the
    /// generator has no intermediate space.
    func generateForPath(_ count: Int, _ labels: Tensor?) -> (w: Tensor, images: Tensor) {
        let z = settings.generator.latent.sample(count, random: pathStream).to(device)
        let latents = Latents(z, labels: labels.map { $0[0..<count] })
        return computing {
            if let generator = generator as? any StyleGenerator {
                let w = generator.mapForTraining(latents, random: pathStream)
                return (w, generator.synthesize(w, noise: .random(pathStream)))
            }
            let leaf = latents.z.requiringGradient()
            return (leaf, generator(Latents(leaf, labels: latents.labels)))
        }
    }
}
