import Settings
import Torch

/// The game between generator and discriminator, on logits.
public struct AdversarialLoss: SettingsGroup, Equatable {
    /// What the two minimize.
    public enum Kind: String, Sendable, CaseIterable {
        /// Cross entropy; the generator -log D(G(z)), whose gradients are strong while the discriminator wins
        /// (Goodfellow et al. 2014).
        case nonSaturating = "non-saturating"
        /// Cross entropy; the generator log(1 - D(G(z))), the minimax game of the paper's equation 1.
        case saturating
        /// Means of a critic without bounds: D(G(z)) - D(x), and -D(G(z)) (Arjovsky et al. 2017). Needs a penalty.
        case wasserstein
        /// Half the squares of the distances from 1 for real, 0 for generated (Mao et al. 2017, equation 9).
        case leastSquares = "least-squares"
        /// max(0, 1 - D(x)) + max(0, 1 + D(G(z))), and -D(G(z)) (Lim and Ye 2017; Miyato et al. 2018).
        case hinge
        /// softplus(D(G(z)) - D(x)), and the reverse, a real picture beside each generated one (Jolicoeur-Martineau 2019;
        /// with penalties at both, which it needs, Huang et al. 2024).
        case relativistic
    }

    public var kind = Kind.nonSaturating
    /// Target for real pictures; below 1 is one-sided label smoothing (Salimans et al. 2016). A critic has none.
    public var realLabel = 1.0

    public init() {}

    public init(_ kind: Kind, realLabel: Double = 1) { (self.kind, self.realLabel) = (kind, realLabel) }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "The generator minimizes -log D(G(z)), log(1 - D(G(z))), a critic's -D(G(z)), (D(G(z)) - 1)² / 2, "
                + "-D(G(z)) of a discriminator with margins, or softplus(D(x) - D(G(z))).")
        switch kind {
        case .nonSaturating, .saturating, .leastSquares:
            try v.number(
                "realLabel", &realLabel, in: 0.5...1, "Target for real pictures; 0.9 smooths one-sidedly.")
        case .wasserstein, .hinge, .relativistic: break
        }
    }

    /// Whether a loss compares logits of real and generated pictures, so that both sides of the game need both:
    /// `discriminator(real:fake:)` and `generator(fake:real:)`. These serve the other kinds as well.
    public var isRelativistic: Bool { kind == .relativistic }

    /// Discriminator's loss. Logits [N] each, result [].
    public func discriminator(real: Tensor, fake: Tensor) -> Tensor {
        isRelativistic ? Self.surprise(real, above: fake) : self.real(real) + self.fake(fake)
    }

    /// Generator's loss. Logits [N] each; those of real pictures matter to a relativistic game alone. Result [].
    public func generator(fake: Tensor, real: Tensor) -> Tensor {
        isRelativistic ? Self.surprise(fake, above: real) : generator(fake)
    }

    /// Mean of -log of the probability that `a` is more real than `b`, pair by pair.
    private static func surprise(_ a: Tensor, above b: Tensor) -> Tensor {
        require(
            a.shape == b.shape,
            "relativistic loss: expected a real for each generated picture, got \(a.summary) and \(b.summary)"
        )
        return (b.atLeastSingle() - a.atLeastSingle()).softplus().mean()
    }

    /// Discriminator's loss on real pictures, unless relativistic. Logits [N], result [].
    public func real(_ logits: Tensor) -> Tensor {
        let logits = logits.atLeastSingle()
        switch kind {
        case .nonSaturating, .saturating:
            let targets = Tensor.full(logits.shape, realLabel, on: logits.device).to(logits.dtype)
            return logits.binaryCrossEntropyWithLogits(targets)
        case .wasserstein: return -logits.mean()
        case .leastSquares: return (logits - realLabel).square().mean() * 0.5
        case .hinge: return (1 - logits).relu().mean()
        case .relativistic: needsBoth()
        }
    }

    /// Discriminator's loss on generated pictures, unless relativistic. Logits [N], result [].
    public func fake(_ logits: Tensor) -> Tensor {
        let logits = logits.atLeastSingle()
        switch kind {
        case .nonSaturating, .saturating:
            return logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
        case .wasserstein: return logits.mean()
        case .leastSquares: return logits.square().mean() * 0.5
        case .hinge: return (1 + logits).relu().mean()
        case .relativistic: needsBoth()
        }
    }

    /// Generator's loss, unless relativistic. Logits [N] of generated pictures, result [].
    public func generator(_ logits: Tensor) -> Tensor {
        let logits = logits.atLeastSingle()
        switch kind {
        case .nonSaturating: return logits.binaryCrossEntropyWithLogits(Tensor.ones(like: logits))
        case .saturating: return -logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
        case .wasserstein, .hinge: return -logits.mean()
        case .leastSquares: return (logits - 1).square().mean() * 0.5
        case .relativistic: needsBoth()
        }
    }

    private func needsBoth() -> Never {
        fatalError("a relativistic loss compares real and generated pictures; it needs the logits of both")
    }

    /// What the log calls D(x): the mean probability of being real, 0...1, where logits have one, else their mean.
    /// Logits [N], result [].
    public func score(_ logits: Tensor) -> Tensor {
        switch kind {
        case .nonSaturating, .saturating: logits.sigmoid().mean()
        case .wasserstein, .leastSquares, .hinge, .relativistic: logits.mean()
        }
    }
}
