import Settings
import Torch

/// The game between generator and discriminator, on logits (Goodfellow et al. 2014).
public struct AdversarialLoss: SettingsGroup, Equatable {
    /// What the generator minimises.
    public enum Kind: String, Sendable, CaseIterable {
        /// -log D(G(z)): strong gradients while the discriminator wins.
        case nonSaturating = "non-saturating"
        /// log(1 - D(G(z))): the minimax game of the paper's equation 1.
        case saturating
    }

    public var kind = Kind.nonSaturating
    /// Target for real pictures; below 1 is one-sided label smoothing (Salimans et al. 2016).
    public var realLabel = 1.0

    public init() {}

    public init(_ kind: Kind, realLabel: Double = 1) { (self.kind, self.realLabel) = (kind, realLabel) }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "What the generator minimises: -log D(G(z)), or log(1 - D(G(z))).")
        try v.number(
            "realLabel", &realLabel, in: 0.5...1, "Target for real pictures; 0.9 smooths one-sidedly.")
    }

    /// Discriminator's binary cross entropy on real pictures. Logits [N], result [].
    public func real(_ logits: Tensor) -> Tensor {
        let logits = logits.to(.float32)
        return logits.binaryCrossEntropyWithLogits(Tensor.full(logits.shape, realLabel, on: logits.device))
    }

    /// Discriminator's binary cross entropy on generated pictures. Logits [N], result [].
    public func fake(_ logits: Tensor) -> Tensor {
        let logits = logits.to(.float32)
        return logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
    }

    /// Generator's loss. Logits [N] of generated pictures, result [].
    public func generator(_ logits: Tensor) -> Tensor {
        let logits = logits.to(.float32)
        return switch kind {
        case .nonSaturating: logits.binaryCrossEntropyWithLogits(Tensor.ones(like: logits))
        case .saturating: -logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
        }
    }
}
