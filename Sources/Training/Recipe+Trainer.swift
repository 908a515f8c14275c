import Checkpoints
import Torch

extension Recipe {
    /// What learns this recipe, with starting values from `seed`.
    /// - Parameter attributes: names of the pictures' attributes, where they have any.
    /// - Throws: `TrainingError.refused` when the pictures lack something.
    public func trainer(
        attributes: [String], seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard
    ) throws -> any Trainer {
        switch task {
        case .adversarial:
            AdversarialTrainer(
                recipe: self, seed: seed, device: device, precision: precision, kernels: kernels)
        case .attributes:
            try AttributeTrainer(
                recipe: self, attributes: attributes, seed: seed, device: device, precision: precision,
                kernels: kernels)
        }
    }
}
