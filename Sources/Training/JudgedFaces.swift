import Datasets
import Models
import Provenance
import Torch
import TorchNN

/// The monitor of a face network: how often it is right about photographs that it does not learn from.
struct JudgedFaces: RunMonitor {
    private let network: FaceNetwork
    private let attributes: [String]
    private let store: FaceStore
    private let indices: [Int]
    private let device: Device

    /// - Throws: `TrainingError.refused` when no picture is held out.
    init(by network: FaceNetwork, trainer: AttributeTrainer, store: FaceStore, subset: [Int]?) throws {
        (self.network, self.store) = (network, store)
        (attributes, device) = (trainer.attributes, trainer.device)
        indices = try trainer.recipe.heldOut(of: store, subset)
    }

    func preview() -> SyntheticImage? { nil }

    /// Mean accuracy over attributes, in percent, with every attribute's own and the balanced mean.
    func scores() -> [RunScore] {
        let wasTraining = network.isTraining
        network.train(false)
        defer { network.train(wasTraining) }
        let (logits, labels) = withoutGradients { answers() }
        let count = Double(indices.count)
        return withoutGradients {
            let known = labels.abs()
            let right = (logits * labels).greater(than: 0).to(.float32)
            let shares = (right.sum([0]) / known.sum([0]).clampedBelow(1)).floats().map { 100 * Double($0) }
            func recall(_ side: Tensor) -> Tensor { (right * side).sum([0]) / side.sum([0]).clampedBelow(1) }
            let positive = labels.greater(than: 0).to(.float32)
            let balanced = 50 * (recall(positive) + recall(known - positive)).mean().item()
            let each = right.mean([1])
            let deviation = (each - each.mean()).square().mean().item().squareRoot()
            return [
                RunScore(
                    name: "accuracy", label: "accuracy (%)",
                    value: shares.reduce(0, +) / Double(shares.count),
                    error: 100 * deviation / count.squareRoot(),
                    parts: [("Balanced", balanced)] + zip(attributes, shares).map { (".\($0)", $1) },
                    isLowerBetter: false)
            ]
        }
    }

    /// Logits and labels of the held-out pictures, both [N, A].
    private func answers() -> (Tensor, Tensor) {
        let judge = network.folded()
        let width = attributes.count
        var logits: [Tensor] = []
        for start in stride(from: 0, to: indices.count, by: 64) {
            let batch = Array(indices[start..<min(indices.count, start + 64)])
            logits.append(judge(.pictures(of: store, batch, on: device)).to(.float32))
        }
        let labels = indices.flatMap { store.labels.attributes[($0 * width)..<(($0 + 1) * width)] }
        return (
            Tensor.concatenated(logits),
            Tensor(labels.map(Float.init), shape: [indices.count, width]).to(device)
        )
    }
}
