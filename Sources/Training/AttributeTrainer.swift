import Datasets
import Foundation
import Models
import Objectives
import Provenance
import Recipes
import Torch
import TorchNN

/// Trainer of a face network: a binary cross entropy for each attribute with a known label.
public final class AttributeTrainer: Trainer {
    /// Recipe of the run.
    public let recipe: Recipe
    private let settings: AttributeSettings
    /// Device of the networks.
    public let device: Device
    /// Precision of the computation; never `.auto`.
    public let precision: Precision
    /// Kernels of the computation.
    public let kernels: Kernels
    /// Trained network.
    public let network: FaceNetwork
    /// Moving average of the network; nil if the recipe has none.
    public let averaged: FaceNetwork?
    /// Names of the network's outputs.
    public let attributes: [String]
    /// Steps and images so far.
    public var clock = TrainingClock()
    /// Recoveries from divergence.
    public var recoveries = RecoveryHistory()
    /// Registry of the tensors and random streams that a step changes.
    public let state = TrainingState()
    /// Graphs of the steps.
    public let graphs: StepGraphs

    private let average: ExponentialAverage?
    private let optimizer: any Optimizer
    /// RNG for mixup weights.
    private let mixStream: RandomSource
    /// Weight of each picture of the current step in its mixture.
    private var mixUpWeight = 1.0
    // [loss, correct predictions, known labels, steps], summed on the device so that a step does not wait for the host.
    private let sums: Tensor

    /// Creates the network with initial weights from `seed`.
    /// - Parameters:
    ///   - recipe: settings of the run.
    ///   - attributes: names of the attributes in the labels, one output each.
    ///   - seed: seed of the initial weights and of all random streams.
    ///   - device: device of the networks.
    ///   - precision: precision of the networks; `.auto` is resolved for the device.
    ///   - kernels: fast kernels, or those of libtorch.
    /// - Throws: `TrainingError.refused` if there are no attributes.
    public init(
        recipe: Recipe, attributes: [String], seed: UInt64, device: Device = .cpu,
        precision: Precision = .auto,
        kernels: Kernels = .standard
    ) throws {
        guard !attributes.isEmpty else {
            throw TrainingError.refused(
                "these pictures have no attributes, which the recipe \(recipe.name) needs: use CelebA with"
                    + " list_attr_celeba.txt next to its pictures, or builtin:20000")
        }
        (self.recipe, self.attributes, self.device, self.kernels) = (recipe, attributes, device, kernels)
        graphs = StepGraphs(on: device)
        settings = recipe.attributes
        self.precision = precision.resolved(for: device)
        let random = RandomSource(seed: seed)
        network = settings.network.make(outputs: attributes.count, random: random)
        network.move(to: device, format: .channelsLast)
        averaged =
            recipe.average.isOn
            ? settings.network.make(outputs: attributes.count, random: random) : nil
        average = ExponentialAverage(averaged, following: network)
        if recipe.training.gradientCheckpointing { network.setCheckpointed() }
        optimizer = settings.optimizer.make(for: network)
        mixStream = RandomSource(seed: seed &+ 1)
        sums = Tensor.zeros([4], on: device)
        state.register("network") { [network] in network.state }
        if let averaged { state.register("average") { averaged.state } }
        state.register("optimizer") { [optimizer] in optimizer.state }
        state.register("statistics", .sum) { [sums] in [("sums", sums)] }
        state.register(stream: "mixWeights", mixStream)
    }

    /// Real images of one step.
    public var imagesPerStep: Int { recipe.batchSize }

    /// Trained networks with their names in reports.
    public var networks: [(name: String, network: Module)] { [("face network", network)] }

    /// Performs one training step.
    /// - Parameter batches: returns the next real pictures with labels.
    /// - Throws: `TrainingError.diverged` if the loss is not finite; on CUDA the next `takeReport` throws it.
    public func step(_ batches: (_ count: Int) -> ImageBatch) throws {
        let batch = graphs.load(
            [batches(recipe.batchSize)], (Array(attributes.indices), attributes.count))
        if settings.labels.mixUp > 0 { mixUpWeight = drawMixUpWeight() }
        graphs.run([recipe.batchSize]) {
            let (pictures, labels) = batch(0)
            train(pictures, labels!)
        }
        clock.steps += 1
        clock.images += imagesPerStep
        if device == .cpu, !sums.floats()[0].isFinite { throw diverged }
    }

    /// Updates the network and its average.
    private func train(_ pictures: Tensor, _ labels: Tensor) {
        schedule(optimizer, settings.optimizer)
        var images = pictures
        let known = labels.abs()
        var targets = labels * (0.5 * (1 - settings.labels.smoothing)) + 0.5
        var weights = known
        if settings.labels.mixUp > 0 {
            // Each picture is mixed with the one at the mirrored position of the batch.
            let weight = graphs.factor { [unowned self] in mixUpWeight }
            images = images * weight + images.flipped([0]) * weight.complement
            targets = targets * weight + targets.flipped([0]) * weight.complement
            weights = known * known.flipped([0])
        }
        let logits = computing { network(images) }.to(.float32)
        let loss = AttributeLoss.crossEntropy(logits, targets: targets, weights: weights)
        let found = gradients(of: [loss], wrt: optimizer.parameters.map(\.parameter.value))
        withoutGradients {
            applyGradients(found, settings.optimizer, optimizer)
            let correct = (logits * labels).greater(than: 0).to(.float32).sum()
            sums.add_(Tensor.stacked([loss.detached(), correct, known.sum(), Tensor.ones(like: correct)]))
        }
        average?.update(
            decay: graphs.factor { [unowned self] in
                recipe.average.decay(batchSize: imagesPerStep, images: clock.images + imagesPerStep)
            })
    }

    private var diverged: TrainingError { .diverged(what: "the loss", step: clock.steps, kept: "") }

    /// Sample of Beta(mixUp, mixUp), by Jöhnk's method (Jöhnk 1964).
    private func drawMixUpWeight() -> Double {
        while true {
            let draw = Tensor.uniform([2], random: mixStream).floats().map {
                pow(Double($0), 1 / settings.labels.mixUp)
            }
            let sum = draw[0] + draw[1]
            if sum > 0, sum <= 1 { return draw[0] / sum }
        }
    }

    /// Means of the losses and scores since the last call.
    /// - Throws: `TrainingError.diverged` if a sum is not finite.
    public func takeReport() throws -> TrainerReport {
        let values = sums.floats().map(Double.init)
        guard values[0].isFinite else { throw diverged }
        withoutGradients { sums.zero_() }
        return TrainerReport(scalars: [
            Scalar("loss", "loss/attributes", ("", "loss"), values[0] / max(1, values[3])),
            Scalar("accuracy", "train/accuracy", ("", "accuracy"), 100 * values[1] / max(1, values[2])),
        ])
    }

    /// Accuracy on held-out pictures.
    /// - Parameters:
    ///   - store: pictures of the run.
    ///   - subset: indices of the training pictures; nil for all.
    /// - Throws: `TrainingError.refused` if no picture is held out.
    public func monitor(of store: FaceStore, subset: [Int]?) throws -> any RunMonitor {
        try AttributeMonitor(of: averaged ?? network, trainer: self, store: store, subset: subset)
    }

    /// Names of the attributes, for a saved state.
    public var facts: [String: String] { ["attributes": attributes.joined(separator: " ")] }
}

/// Monitor of a face network: accuracy on held-out photographs.
struct AttributeMonitor: RunMonitor {
    private let network: FaceNetwork
    private let attributes: [String]
    private let store: FaceStore
    private let indices: [Int]
    private let device: Device

    /// - Throws: `TrainingError.refused` if no picture is held out.
    init(of network: FaceNetwork, trainer: AttributeTrainer, store: FaceStore, subset: [Int]?) throws {
        (self.network, self.store) = (network, store)
        (attributes, device) = (trainer.attributes, trainer.device)
        indices = try trainer.recipe.heldOut(of: store, subset)
    }

    /// Nil: there are no pictures to show.
    func preview() -> SyntheticImage? { nil }

    /// Mean accuracy over attributes in percent, with the balanced accuracy and the accuracy of each attribute.
    func scores() -> [RunScore] {
        let wasTraining = network.isTraining
        network.train(false)
        defer { network.train(wasTraining) }
        let (logits, labels) = withoutGradients { predictions() }
        let count = Double(indices.count)
        return withoutGradients {
            let known = labels.abs()
            let correct = (logits * labels).greater(than: 0).to(.float32)
            let accuracies = (correct.sum([0]) / known.sum([0]).clampedBelow(1)).floats().map {
                100 * Double($0)
            }
            func recall(_ side: Tensor) -> Tensor {
                (correct * side).sum([0]) / side.sum([0]).clampedBelow(1)
            }
            let positive = labels.greater(than: 0).to(.float32)
            let balanced = 50 * (recall(positive) + recall(known - positive)).mean().item()
            let each = correct.mean([1])
            let deviation = (each - each.mean()).square().mean().item().squareRoot()
            return [
                RunScore(
                    name: "accuracy", label: "accuracy (%)",
                    value: accuracies.reduce(0, +) / Double(accuracies.count),
                    error: 100 * deviation / count.squareRoot(),
                    parts: [("Balanced", balanced)] + zip(attributes, accuracies).map { (".\($0)", $1) },
                    isLowerBetter: false)
            ]
        }
    }

    /// Logits and labels of the held-out pictures, both [N, A]. Labels are 1, -1, or 0 for unknown.
    private func predictions() -> (Tensor, Tensor) {
        let folded = network.folded()
        let width = attributes.count
        var logits: [Tensor] = []
        for start in stride(from: 0, to: indices.count, by: 64) {
            let batch = Array(indices[start..<min(indices.count, start + 64)])
            logits.append(folded(.pictures(of: store, batch, on: device)).to(.float32))
        }
        let labels = indices.flatMap { store.labels.attributes[($0 * width)..<(($0 + 1) * width)] }
        return (
            Tensor.concatenated(logits),
            Tensor(labels.map(Float.init), shape: [indices.count, width]).to(device)
        )
    }
}
