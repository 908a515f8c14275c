import Settings
import Torch

/// The game between generator and discriminator, on logits.
public struct AdversarialLoss: SettingsGroup, Equatable {
    /// What the two minimise.
    public enum Kind: String, Sendable, CaseIterable {
        /// Cross entropy; the generator -log D(G(z)), whose gradients are strong while the discriminator wins
        /// (Goodfellow et al. 2014).
        case nonSaturating = "non-saturating"
        /// Cross entropy; the generator log(1 - D(G(z))), the minimax game of the paper's equation 1.
        case saturating
        /// Means of a critic without bounds: D(G(z)) - D(x), and -D(G(z)) (Arjovsky et al. 2017). Needs a penalty.
        case wasserstein
    }

    public var kind = Kind.nonSaturating
    /// Target for real pictures; below 1 is one-sided label smoothing (Salimans et al. 2016). A critic has none.
    public var realLabel = 1.0

    public init() {}

    public init(_ kind: Kind, realLabel: Double = 1) { (self.kind, self.realLabel) = (kind, realLabel) }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind, "The generator minimises -log D(G(z)), log(1 - D(G(z))), or a critic's -D(G(z)).")
        switch kind {
        case .nonSaturating, .saturating:
            try v.number(
                "realLabel", &realLabel, in: 0.5...1, "Target for real pictures; 0.9 smooths one-sidedly.")
        case .wasserstein: break
        }
    }

    /// Discriminator's loss on real pictures. Logits [N], result [].
    public func real(_ logits: Tensor) -> Tensor {
        let logits = logits.to(.float32)
        if kind == .wasserstein { return -logits.mean() }
        return logits.binaryCrossEntropyWithLogits(Tensor.full(logits.shape, realLabel, on: logits.device))
    }

    /// Discriminator's loss on generated pictures. Logits [N], result [].
    public func fake(_ logits: Tensor) -> Tensor {
        let logits = logits.to(.float32)
        if kind == .wasserstein { return logits.mean() }
        return logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
    }

    /// Generator's loss. Logits [N] of generated pictures, result [].
    public func generator(_ logits: Tensor) -> Tensor {
        let logits = logits.to(.float32)
        return switch kind {
        case .nonSaturating: logits.binaryCrossEntropyWithLogits(Tensor.ones(like: logits))
        case .saturating: -logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
        case .wasserstein: -logits.mean()
        }
    }

    /// What the log calls D(x): the mean probability of being real, 0...1; a critic's mean. Logits [N], result [].
    public func score(_ logits: Tensor) -> Tensor {
        (kind == .wasserstein ? logits : logits.sigmoid()).mean()
    }
}
