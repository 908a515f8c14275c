import Datasets
import Recipes
import Torch

extension Recipe {
    /// What learns this recipe, with starting values from `seed`.
    /// - Parameter labels: the pictures', where they have any.
    /// - Throws: `TrainingError.refused` when the pictures lack something.
    public func trainer(
        labels: Labels, seed: UInt64, device: Device = .cpu, precision: Precision = .auto,
        kernels: Kernels = .standard
    ) throws -> any Trainer {
        switch system {
        case .adversarial:
            try AdversarialTrainer(
                recipe: self, labels: labels, seed: seed, device: device, precision: precision,
                kernels: kernels)
        case .attributes:
            try AttributeTrainer(
                recipe: self, attributes: labels.attributeNames, seed: seed, device: device,
                precision: precision,
                kernels: kernels)
        case .restoration:
            try RestorationTrainer(
                recipe: self, seed: seed, device: device, precision: precision, kernels: kernels)
        case .conversion:
            try ConversionTrainer(
                recipe: self, labels: labels, seed: seed, device: device, precision: precision,
                kernels: kernels)
        }
    }
}
