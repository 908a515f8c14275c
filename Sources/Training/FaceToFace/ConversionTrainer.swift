import Datasets
import Models
import Objectives
import Recipes
import Settings
import Torch
import TorchNN

/// Trainer of a converter, which changes attributes of photographs (AttGAN, He et al. 2019).
///
/// The converter minimizes an adversarial loss, the classification loss of the target attributes, and the pixel loss of a
/// photograph that is converted without changes. The critic also classifies attributes.
public final class ConversionTrainer: Trainer {
    /// Recipe of the run.
    public let recipe: Recipe
    private let settings: ConversionSettings
    /// Device of the networks.
    public let device: Device
    /// Precision of the computation; never `.auto`.
    public let precision: Precision
    /// Kernels of the computation.
    public let kernels: Kernels
    /// Trained converter.
    public let converter: AttributeConverter
    /// Trained critic, with a classifier of the attributes.
    public let critic: any Discriminator
    /// Moving average of the converter; nil if the recipe has none.
    public let averaged: AttributeConverter?
    /// Steps and images so far.
    public var clock = TrainingClock()
    /// Recoveries from divergence.
    public var recoveries = RecoveryHistory()
    /// Registry of the tensors and random streams that a step changes.
    public let state = TrainingState()
    /// Graphs of the steps.
    public let graphs: StepGraphs

    private let average: ExponentialAverage?
    private let converterOptimizer: any Optimizer
    private let criticOptimizer: any Optimizer
    private let targets: TargetAttributes
    /// RNG for interpolation weights of the gradient penalty.
    private let mixStream: RandomSource
    /// Columns of the labels that the recipe uses, and the number of columns.
    private let columns: (asked: [Int], width: Int)
    /// RNG for the augmentation of the critic's input.
    private let augmentStream: RandomSource
    private let augmentation: DiscriminatorAugmentation
    private let means: NamedMeans

    /// Creates the networks with initial weights from `seed`.
    /// - Parameters:
    ///   - recipe: settings of the run.
    ///   - labels: labels of the pictures, with the attributes of the recipe.
    ///   - seed: seed of the initial weights and of all random streams.
    ///   - device: device of the networks.
    ///   - precision: precision of the networks; `.auto` is resolved for the device.
    ///   - kernels: fast kernels, or those of libtorch.
    ///   - drawsOnCPU: whether random numbers are those of the CPU on every device. Steps on CUDA then run without graphs.
    /// - Throws: `TrainingError.refused` if an attribute is missing.
    public init(
        recipe: Recipe, labels: Labels, seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard, drawsOnCPU: Bool = false
    ) throws {
        (self.recipe, self.device, self.kernels) = (recipe, device, kernels)
        graphs = StepGraphs(on: device)
        settings = recipe.conversion
        self.precision = precision.resolved(for: device)
        columns = try recipe.columns(of: labels)
        let random = RandomSource(seed: seed)
        converter = settings.makeConverter(random: random)
        converter.move(to: device, format: .channelsLast)
        if recipe.training.gradientCheckpointing { converter.setCheckpointed() }
        critic = settings.makeCritic(resolution: recipe.resolution, random: random)
        critic.move(to: device, format: .channelsLast)
        averaged = recipe.average.isOn ? settings.makeConverter(random: random) : nil
        average = ExponentialAverage(averaged, following: converter)
        converterOptimizer = settings.converterOptimizer.make(for: converter)
        criticOptimizer = settings.criticOptimizer.make(for: critic)
        var streams = RandomStreams(seed: seed, on: drawsOnCPU ? .cpu : device)
        targets = TargetAttributes(
            settings, labels: labels, columns: columns.asked, random: streams.next(), device: device)
        mixStream = streams.next()
        augmentStream = streams.next()
        augmentation = DiscriminatorAugmentation(settings.augment, device: device)
        means = NamedMeans(
            ["critic", "penalty", "attributes", "adversarial", "targets", "pixels", "real", "fake"],
            on: device)
        registerState()
        if drawsOnCPU { graphs.turnOff() }
    }

    /// Trained networks with their names in reports.
    public var networks: [(name: String, network: Module)] {
        [("converter", converter), ("critic", critic)]
    }

    /// Real images of one step.
    public var imagesPerStep: Int { recipe.batchSize * settings.steps.discriminator }

    /// Performs the critic's steps, each with its own photographs, then the converter's step with the last ones.
    /// - Parameter batches: returns the next real pictures with labels.
    /// - Throws: `TrainingError.diverged` if a loss is not finite; on CUDA the next `takeReport` throws it.
    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        let steps = settings.steps.discriminator
        let loaded = graphs.load((0..<steps).map { _ in batches(recipe.batchSize) }, columns)
        graphs.run([recipe.batchSize]) { perform(steps, loaded) }
        clock.steps += 1
        clock.images += imagesPerStep
        if device == .cpu, let name = means.firstNotFinite { throw diverged(name) }
    }

    /// The work of a step on the device.
    private func perform(_ steps: Int, _ batch: (Int) -> (pictures: Tensor, labels: Tensor?)) {
        schedule(converterOptimizer, settings.converterOptimizer)
        schedule(criticOptimizer, settings.criticOptimizer)
        var last: (real: Tensor, labels: Tensor, target: Tensor)!
        for index in 0..<steps {
            let (real, given) = batch(index)
            let labels = given!
            let target = targets.sample(for: labels)
            let fake = withoutGradients { convert(real, AttributeChanges.between(labels, target)) }
            trainCritic(real: real, labels: labels, fake: fake, target: target)
            last = (real, labels, target)
        }
        trainConverter(last.real, last.labels, last.target)
        average?.update(
            decay: graphs.factor { [unowned self] in
                recipe.average.decay(batchSize: imagesPerStep, images: clock.images + imagesPerStep)
            })
    }

    private func diverged(_ name: String) -> TrainingError {
        .diverged(what: "the loss of \(name)", step: clock.steps, kept: "")
    }

    private func convert(_ images: Tensor, _ changes: Tensor) -> Tensor {
        computing { converter(images, changes: changes) }.to(.float32)
    }

    private func discriminate(_ images: Tensor, _ labels: Tensor) -> DiscriminatorOutput {
        let probability = settings.augment.probability.value(atKimg: clock.kimg)
        let augmented = augmentation(images, probability: .number(probability), random: augmentStream)
        var output = computing { critic(augmented, labels: labels) }.single
        output.attributes = output.attributes?.to(.float32)
        return output
    }

    // MARK: Steps

    private func trainCritic(real: Tensor, labels: Tensor, fake: Tensor, target: Tensor) {
        let count = real.shape[0]
        let balanced = targets.balanced(labels)
        var classification: Tensor?
        let step = CriticStep(
            loss: settings.loss, separatesBatches: false,
            discriminate: { [unowned self] in discriminate($0, $1!) },
            realTerms: { [settings] output in
                classification = settings.attributeLoss.real(output.attributes!, attributes: labels)
                return classification
            })
        let weights = criticOptimizer.parameters.map(\.parameter.value)
        var (output, found) = step(
            real: real, fake: fake, realLabels: balanced, fakeLabels: target, wrt: weights)
        var parts = ["attributes": classification!]
        if settings.gradientPenalty.weight > 0 {
            let mixWeights = Tensor.uniform([count, 1, 1, 1], random: mixStream).to(device)
            // Labels are interpolated with the weights of the pictures.
            let mixedLabels = target.lerp(balanced, weight: mixWeights.reshape([count, 1]))
            let penalty = settings.gradientPenalty(real: real, fake: fake, share: mixWeights) {
                discriminate($0, mixedLabels).logits
            }
            addGradients(of: penalty, wrt: weights, to: &found)
            withoutGradients { output.loss = output.loss + penalty }
            parts["penalty"] = penalty
        }
        parts["critic"] = output.loss
        parts["real"] = settings.loss.score(output.real)
        parts["fake"] = settings.loss.score(output.fake)
        withoutGradients {
            applyGradients(found, settings.criticOptimizer, criticOptimizer)
            means.add(parts)
        }
    }

    private func trainConverter(_ real: Tensor, _ labels: Tensor, _ target: Tensor) {
        let count = real.shape[0]
        let changes = AttributeChanges.between(labels, target)
        let both = convert(
            Tensor.concatenated([real, real]), Tensor.concatenated([changes, Tensor.zeros(like: changes)]))
        let (converted, unchanged) = (both[0..<count], both[count..<(2 * count)])
        let output = critic.frozen { discriminate(converted, target) }
        let (logits, attributes) = (output.logits, output.attributes!)
        let adversarial =
            settings.loss.isRelativistic
            ? settings.loss.generator(
                fake: logits, real: withoutGradients { discriminate(real, targets.balanced(labels)).logits })
            : settings.loss.generator(logits)
        let classification = settings.attributeLoss.fake(attributes, attributes: target)
        let pixels = settings.reconstruction(unchanged, target: real)
        let loss = adversarial + classification + pixels
        let found = gradients(of: [loss], wrt: converterOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            applyGradients(found, settings.converterOptimizer, converterOptimizer)
            means.add(["adversarial": adversarial, "targets": classification, "pixels": pixels])
        }
    }

    // MARK: Reports and state

    /// Means of the losses and scores since the last call.
    /// - Throws: `TrainingError.diverged` if a sum is not finite.
    public func takeReport() throws -> TrainerReport {
        if let name = means.firstNotFinite { throw diverged(name) }
        // `attributes` is the critic's classification loss, `targets` the converter's classification loss of the target attributes.
        let scalars = means.takeScalars([
            ("critic", "loss/critic", ("loss", "critic")),
            ("penalty", "loss/penalty", ("", "")),
            ("attributes", "loss/attributes", ("loss", "attributes")),
            ("adversarial", "loss/adversarial", ("", "")),
            ("targets", "loss/targets", ("loss", "targets")),
            ("pixels", "loss/pixels", ("loss", "pixels")),
            ("real", "score/real", ("", "D(real)")),
            ("fake", "score/fake", ("", "D(fake)")),
        ])
        return TrainerReport(scalars: scalars)
    }

    /// Held-out photographs with changed attributes, and the success rate of the changes.
    /// - Parameters:
    ///   - store: pictures of the run.
    ///   - subset: indices of the training pictures; nil for all.
    /// - Throws: `TrainingError.refused` if no picture is held out or an attribute is missing.
    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try ConversionMonitor(of: averaged ?? converter, recipe: recipe, store: store, subset: subset)
    }

    private func registerState() {
        state.register("generator") { [converter] in converter.state }
        if let averaged { state.register("average") { averaged.state } }
        state.register("optimizer.generator") { [converterOptimizer] in converterOptimizer.state }
        state.register("discriminator") { [critic] in critic.state }
        state.register("optimizer.discriminator") { [criticOptimizer] in criticOptimizer.state }
        state.register("statistics", .sum) { [means] in means.state }
        state.register(stream: "targets", targets.random)
        state.register(stream: "mixWeights", mixStream)
        if settings.augment.kind != .none { state.register(stream: "augment", augmentStream) }
    }
}

/// Sampler of target attributes for the training of a converter.
package struct TargetAttributes {
    /// RNG of the targets.
    package let random: RandomSource
    private let flipFraction: Double
    private let changes: AttributeChanges
    /// Identity matrix of the attributes, [K, K].
    private let identity: Tensor
    /// Frequency of attributes in the targets relative to photographs, for present and for absent attributes, [K].
    private let weights: (present: Tensor, absent: Tensor)

    /// Creates a sampler.
    /// - Parameters:
    ///   - labels: labels of all photographs.
    ///   - columns: columns of the attributes of the recipe.
    package init(
        _ settings: ConversionSettings, labels: Labels, columns: [Int], random: RandomSource, device: Device
    ) {
        (self.random, flipFraction) = (random, settings.converter.flipFraction)
        changes = AttributeChanges(settings.conditions.attributes, on: device)
        identity = Tensor.identity(columns.count).to(device)
        let rows = labels.count
        let values = labels.values(of: 0..<rows, columns: columns)
        let all = Tensor(values, shape: [rows, columns.count]).to(device)
        func frequencies(_ labels: Tensor) -> (present: Tensor, absent: Tensor) {
            let (present, absent) = AttributeChanges.sides(labels)
            return (present.mean([0]), absent.mean([0]))
        }
        let (present, absent) = frequencies(all)
        // Labels of other photographs are used where the label of the photograph is known.
        let known = all.abs().mean([0])
        var (targetPresent, targetAbsent) = (
            present * known * (1 - flipFraction), absent * known * (1 - flipFraction)
        )
        let names = settings.conditions.attributes.indices
        for column in names where flipFraction > 0 {
            let flipped = frequencies(changes.turned(all, column: column))
            targetPresent = targetPresent + flipped.present * (flipFraction / Double(names.count))
            targetAbsent = targetAbsent + flipped.absent * (flipFraction / Double(names.count))
        }
        let minimum = 1 / Double(rows)
        weights = (
            targetPresent / present.clampedBelow(minimum), targetAbsent / absent.clampedBelow(minimum)
        )
    }

    /// Samples targets, [N, K] of 1, -1, or 0 for unknown.
    ///
    /// A target is the labels of another photograph, which are a consistent combination, or, with probability
    /// `flipFraction`, the photograph's own labels with one attribute flipped. Attributes that are unknown for the photograph
    /// are unknown in the target.
    /// - Parameter labels: labels of photographs, [N, K] of 1, -1, or 0 for unknown.
    package func sample(for labels: Tensor) -> Tensor {
        let device = labels.device
        let order = Tensor.permutation(labels.shape[0], random: random).to(device)
        let others = labels.indexSelect(0, order) * labels.abs()
        guard flipFraction > 0 else { return others }
        let draws = Tensor.uniform(labels.shape, random: random).argmax(1)
        let choice = identity.indexSelect(0, draws.to(device))
        let isOwn = Tensor.uniform([labels.shape[0], 1], random: random).less(than: flipFraction).to(.float32)
            .to(device)
        return others.lerp(changes.turned(labels, choice), weight: isOwn)
    }

    /// Labels of photographs, [N, K], scaled so that their expected sums equal those of the targets.
    ///
    /// Without the scaling, a critic with projection could lower its loss by a bias towards one label, independent of the
    /// picture.
    package func balanced(_ labels: Tensor) -> Tensor {
        let (present, absent) = AttributeChanges.sides(labels)
        return present * weights.present - absent * weights.absent
    }
}
