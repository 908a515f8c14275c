import Datasets
import Foundation
import Models
import Objectives
import Recipes
import Torch
import TorchNN

/// Teaches a face network the attributes of photographs: one cross entropy for each, where the label is known.
public final class AttributeTrainer: Trainer {
    public let recipe: Recipe
    private let settings: AttributeSettings
    public let device: Device
    public let precision: Precision
    public let kernels: Kernels
    public let network: FaceNetwork
    /// The network's moving average; nil when the recipe has none.
    public let averaged: FaceNetwork?
    /// Names of the network's outputs.
    public let attributes: [String]
    public var clock = TrainingClock()
    public var recoveries = RecoveryHistory()
    public let state = TrainingState()

    private let average: ExponentialAverage?
    private let optimizer: any Optimizer
    /// How pictures are mixed.
    private let shares: RandomSource
    // [loss, correct answers, known labels, steps]; on the device, so that nothing waits.
    private var sums: Tensor

    /// Makes the network with starting values from `seed`.
    public init(
        recipe: Recipe, attributes: [String], seed: UInt64, device: Device = .cpu,
        precision: Precision = .auto,
        kernels: Kernels = .standard
    ) throws {
        guard !attributes.isEmpty else {
            throw TrainingError.refused(
                "these pictures have no attributes, which the recipe \(recipe.name) learns: take CelebA with"
                    + " list_attr_celeba.txt beside its pictures, or builtin:20000")
        }
        (self.recipe, self.attributes, self.device, self.kernels) = (recipe, attributes, device, kernels)
        settings = recipe.attributes
        self.precision = precision.resolved(for: device)
        let random = RandomSource(seed: seed)
        network = settings.network.make(outputs: attributes.count, random: random)
        network.move(to: device, format: .channelsLast)
        averaged =
            recipe.average.halfLifeKimg > 0
            ? settings.network.make(outputs: attributes.count, random: random) : nil
        average = ExponentialAverage(averaged, following: network)
        if recipe.training.gradientCheckpointing { network.setCheckpointed() }
        optimizer = settings.optimizer.make(for: network)
        shares = RandomSource(seed: seed &+ 1)
        sums = Tensor.zeros([4], on: device)
        state.register("network") { [network] in network.state }
        if let averaged { state.register("average") { averaged.state } }
        state.register("optimizer") { [optimizer] in optimizer.state }
        state.register("statistics", .sum) { [unowned self] in [("sums", sums)] }
        state.register(stream: "mixWeights", shares)
    }

    public var imagesPerStep: Int { recipe.batchSize }

    public var networks: [(name: String, network: Module)] { [("face network", network)] }

    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        optimizer.learningRate = settings.optimizer.learningRate * learningRateFactor
        let batch = batches(recipe.batchSize)
        var images = Tensor.pictures(batch.pixels, count: batch.count, side: batch.height, on: device)
        let labels = Tensor(batch.attributes.map(Float.init), shape: [batch.count, attributes.count]).to(
            device)
        let known = labels.abs()
        var targets = labels * (0.5 * (1 - settings.labels.smoothing)) + 0.5
        var weights = known
        if settings.labels.mixUp > 0 {
            let share = mixUpShare()
            let others = [0]
            images = images * share + images.flipped(others) * (1 - share)
            targets = targets * share + targets.flipped(others) * (1 - share)
            weights = known * known.flipped(others)
        }
        let logits = computing { network(images) }.to(.float32)
        let loss = AttributeLoss.crossEntropy(logits, targets: targets, weights: weights)
        let found = gradients(of: [loss], wrt: optimizer.parameters.map(\.parameter.value))
        withoutGradients {
            applyGradients(found, settings.optimizer, optimizer)
            let right = (logits * labels).greater(than: 0).to(.float32).sum()
            sums.add_(Tensor.stacked([loss.detached(), right, known.sum(), Tensor.ones(like: right)]))
        }
        clock.steps += 1
        clock.images += imagesPerStep
        average?.update(decay: recipe.average.decay(batchSize: imagesPerStep, images: clock.images))
        if device == .cpu, !sums.floats()[0].isFinite { throw diverged }
    }

    private var diverged: TrainingError { .diverged(what: "the loss", step: clock.steps, kept: "") }

    /// A draw from Beta(mixUp, mixUp) (Jöhnk 1964).
    private func mixUpShare() -> Double {
        while true {
            let draw = Tensor.uniform([2], random: shares).floats().map {
                pow(Double($0), 1 / settings.labels.mixUp)
            }
            let sum = draw[0] + draw[1]
            if sum > 0, sum <= 1 { return draw[0] / sum }
        }
    }

    public func takeReport() throws -> TrainerReport {
        let values = sums.floats().map(Double.init)
        guard values[0].isFinite else { throw diverged }
        sums = Tensor.zeros([4], on: device)
        return TrainerReport(scalars: [
            Scalar("loss", "loss/attributes", ("", "loss"), values[0] / max(1, values[3])),
            Scalar("accuracy", "train/accuracy", ("", "accuracy"), 100 * values[1] / max(1, values[2])),
        ])
    }

    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try JudgedFaces(by: averaged ?? network, trainer: self, store: store, subset: subset)
    }

    public var facts: [String: String] { ["attributes": attributes.joined(separator: " ")] }
}
