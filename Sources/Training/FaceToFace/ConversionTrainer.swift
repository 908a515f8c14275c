import Datasets
import Models
import Objectives
import Recipes
import Torch
import TorchNN

/// Teaches a converter to change attributes of photographs, as AttGAN does (He et al. 2019): a critic says whether a picture is
/// real and names its attributes, and a photograph that nothing is to change must come back as it was.
public final class ConversionTrainer: Trainer {
    public let recipe: Recipe
    private let settings: ConversionSettings
    public let device: Device
    /// Never `.auto`.
    public let precision: Precision
    public let kernels: Kernels
    public let converter: AttributeConverter
    public let critic: any Discriminator
    /// The converter's moving average; nil when the recipe has none.
    public let averaged: AttributeConverter?
    public var clock = TrainingClock()
    public var recoveries = RecoveryHistory()
    public let state = TrainingState()

    private let average: ExponentialAverage?
    private let converterOptimizer: any Optimizer
    private let criticOptimizer: any Optimizer
    private let targets: TargetAttributes
    /// Where the penalty's pictures lie.
    private let shares: RandomSource
    private let columns: (asked: [Int], width: Int)
    /// How pictures are changed for the view.
    private let views: RandomSource
    private let view: DiscriminatorAugmentation
    private let means: NamedMeans

    /// Makes the networks with starting values from `seed`.
    /// - Parameter labels: the pictures'; they must have the attributes that the recipe names.
    /// - Throws: `TrainingError.refused` when they lack one.
    public init(
        recipe: Recipe, labels: Labels, seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard
    ) throws {
        (self.recipe, self.device, self.kernels) = (recipe, device, kernels)
        settings = recipe.conversion
        self.precision = precision.resolved(for: device)
        columns = try recipe.columns(of: labels)
        let random = RandomSource(seed: seed)
        converter = settings.makeConverter(random: random)
        converter.move(to: device, format: .channelsLast)
        if recipe.training.gradientCheckpointing { converter.setCheckpointed() }
        critic = settings.makeCritic(resolution: recipe.resolution, random: random)
        critic.move(to: device, format: .channelsLast)
        averaged = recipe.average.halfLifeKimg > 0 ? settings.makeConverter(random: random) : nil
        average = ExponentialAverage(averaged, following: converter)
        converterOptimizer = settings.converterOptimizer.make(for: converter)
        criticOptimizer = settings.criticOptimizer.make(for: critic)
        targets = TargetAttributes(
            settings, labels: labels, columns: columns.asked, random: RandomSource(seed: seed &+ 1),
            device: device)
        shares = RandomSource(seed: seed &+ 2)
        views = RandomSource(seed: seed &+ 3)
        view = DiscriminatorAugmentation(settings.augment, device: device)
        means = NamedMeans(
            ["critic", "penalty", "names", "opinion", "wish", "pixels", "real", "fake"], on: device)
        registerState()
    }

    public var networks: [(name: String, network: Module)] {
        [("converter", converter), ("critic", critic)]
    }

    public var imagesPerStep: Int { recipe.batchSize * settings.steps.discriminator }

    /// One turn: the critic's steps, each on its own photographs, then the converter's on the last ones.
    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        let factor = learningRateFactor
        converterOptimizer.learningRate = settings.converterOptimizer.learningRate * factor
        criticOptimizer.learningRate = settings.criticOptimizer.learningRate * factor
        var last: (real: Tensor, labels: Tensor, wished: Tensor)!
        for _ in 0..<settings.steps.discriminator {
            let batch = batches(recipe.batchSize)
            let real = Tensor.pictures(batch.pixels, count: batch.count, side: batch.height, on: device)
            let labels = batch.labels(columns, on: device)
            let wished = targets.drawn(for: labels)
            let fake = withoutGradients { convert(real, AttributeChanges.between(labels, wished)) }
            trainCritic(real: real, labels: labels, fake: fake, wished: wished)
            last = (real, labels, wished)
        }
        trainConverter(last.real, last.labels, last.wished)
        clock.steps += 1
        clock.images += imagesPerStep
        average?.update(decay: recipe.average.decay(batchSize: imagesPerStep, images: clock.images))
        if device == .cpu, let name = means.firstNotFinite { throw diverged(name) }
    }

    private func diverged(_ name: String) -> TrainingError {
        .diverged(what: "the loss of \(name)", step: clock.steps, kept: "")
    }

    private func convert(_ images: Tensor, _ changes: Tensor) -> Tensor {
        computing { converter(images, changes: changes) }.to(.float32)
    }

    private func discriminate(_ images: Tensor, _ labels: Tensor) -> DiscriminatorOutput {
        let augmented = view(images, random: views)
        var output = computing { critic(augmented, labels: labels) }.single
        output.attributes = output.attributes?.to(.float32)
        return output
    }

    // MARK: Steps

    private func trainCritic(real: Tensor, labels: Tensor, fake: Tensor, wished: Tensor) {
        let count = real.shape[0]
        let counted = targets.counted(labels)
        var names: Tensor?
        let step = CriticStep(
            loss: settings.loss, separatesBatches: false,
            discriminate: { [unowned self] in discriminate($0, $1!) },
            realTerms: { [settings] output in
                names = settings.attributeLoss.real(output.attributes!, attributes: labels)
                return names
            })
        let weights = criticOptimizer.parameters.map(\.parameter.value)
        var (output, found) = step(
            real: real, fake: fake, realLabels: counted, fakeLabels: wished, wrt: weights)
        var parts = ["names": names!]
        if settings.gradientPenalty.weight > 0 {
            let mixWeights = Tensor.uniform([count, 1, 1, 1], random: shares).to(device)
            // Mixed pictures have mixed labels.
            let between = wished.lerp(counted, weight: mixWeights.reshape([count, 1]))
            let penalty = settings.gradientPenalty(real: real, fake: fake, share: mixWeights) {
                discriminate($0, between).logits
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

    private func trainConverter(_ real: Tensor, _ labels: Tensor, _ wished: Tensor) {
        let count = real.shape[0]
        let changes = AttributeChanges.between(labels, wished)
        let both = convert(
            Tensor.concatenated([real, real]), Tensor.concatenated([changes, Tensor.zeros(like: changes)]))
        let (made, same) = (both[0..<count], both[count..<(2 * count)])
        let output = critic.frozen { discriminate(made, wished) }
        let (logits, attributes) = (output.logits, output.attributes!)
        let opinion =
            settings.loss.isRelativistic
            ? settings.loss.generator(
                fake: logits, real: withoutGradients { discriminate(real, targets.counted(labels)).logits })
            : settings.loss.generator(logits)
        let wish = settings.attributeLoss.fake(attributes, attributes: wished)
        let pixels = settings.reconstruction(same, target: real)
        let loss = opinion + wish + pixels
        let found = gradients(of: [loss], wrt: converterOptimizer.parameters.map(\.parameter.value))
        withoutGradients {
            applyGradients(found, settings.converterOptimizer, converterOptimizer)
            means.add(["opinion": opinion, "wish": wish, "pixels": pixels])
        }
    }

    // MARK: What is shown and kept

    public func takeReport() throws -> TrainerReport {
        if let name = means.firstNotFinite { throw diverged(name) }
        let scalars = means.takeScalars([
            ("critic", "loss/critic", ("loss", "critic")),
            ("penalty", "loss/penalty", ("", "")),
            ("names", "loss/names", ("loss", "names")),
            ("opinion", "loss/opinion", ("", "")),
            ("wish", "loss/wish", ("loss", "wish")),
            ("pixels", "loss/pixels", ("loss", "pixels")),
            ("real", "score/real", ("", "D(real)")),
            ("fake", "score/fake", ("", "D(fake)")),
        ])
        return TrainerReport(scalars: scalars)
    }

    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try ConvertedFaces(by: averaged ?? converter, recipe: recipe, store: store, subset: subset)
    }

    private func registerState() {
        state.register("generator") { [converter] in converter.state }
        if let averaged { state.register("average") { averaged.state } }
        state.register("optimizer.generator") { [converterOptimizer] in converterOptimizer.state }
        state.register("discriminator") { [critic] in critic.state }
        state.register("optimizer.discriminator") { [criticOptimizer] in criticOptimizer.state }
        state.register("statistics", .sum) { [means] in means.state }
        state.register(stream: "targets", targets.random)
        state.register(stream: "mixWeights", shares)
        if settings.augment.kind != .none { state.register(stream: "augment", views) }
    }
}
