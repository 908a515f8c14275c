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

extension AdversarialLoss {
    /// The logit between real and generated: 0 where its sign is the verdict, half the real target for least squares; nil for
    /// a critic and for pairs, whose numbers have no zero of their own.
    public var border: Double? {
        switch kind {
        case .nonSaturating, .saturating, .hinge: 0
        case .leastSquares: realLabel / 2
        case .wasserstein, .relativistic: nil
        }
    }

    /// Share of the pictures on their side of a border, 0...1: real ones above it, generated ones below; one on it is half
    /// right.
    ///
    /// Where there is no `border`, it is the middle between the means of both kinds, which gives about 0.5 to one that cannot
    /// tell them apart and less to one that has them reversed.
    /// - Parameters: logits [N] or [N, S] each.
    /// - Returns: [].
    public func accuracy(real: Tensor, fake: Tensor) -> Tensor {
        let (real, fake) = (real.atLeastSingle(), fake.atLeastSingle())
        let middle = border.map { Tensor.full([], $0, on: real.device) } ?? (real.mean() + fake.mean()) * 0.5
        return ((real - middle).sign().mean() - (fake - middle).sign().mean()) * 0.25 + 0.5
    }
}

/// Cross entropy of many attributes at once, for a discriminator that also classifies (Odena et al. 2017, equation 3, with
/// as many binary questions in place of one class).
public struct AttributeLoss: SettingsGroup, Equatable {
    /// Weight in the discriminator's loss, on real pictures; 0: off.
    public var realWeight = 0.0
    /// Weight in the generator's loss, on pictures made for those attributes; 0: off.
    public var fakeWeight = 0.0

    public init() {}

    public init(realWeight: Double, fakeWeight: Double) {
        (self.realWeight, self.fakeWeight) = (realWeight, fakeWeight)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "realWeight", &realWeight, in: 0...1e6,
            "Weight in the discriminator's loss, on real pictures; 0: off.")
        try v.number(
            "fakeWeight", &fakeWeight, in: 0...1e6,
            "Weight in the generator's loss, on its own pictures; 0: off.")
    }

    /// realWeight * the cross entropy on real pictures. Shapes as in `crossEntropy`.
    public func real(_ logits: Tensor, attributes: Tensor) -> Tensor {
        Self.crossEntropy(logits, attributes: attributes) * realWeight
    }

    /// fakeWeight * the cross entropy on generated pictures. Shapes as in `crossEntropy`.
    public func fake(_ logits: Tensor, attributes: Tensor) -> Tensor {
        Self.crossEntropy(logits, attributes: attributes) * fakeWeight
    }

    /// Mean binary cross entropy over all answers that are known; 0 if none is.
    /// - Parameters:
    ///   - logits: [N, K]; greater means more likely present.
    ///   - attributes: [N, K]; 1 present, -1 absent, 0 unknown.
    /// - Returns: [].
    public static func crossEntropy(_ logits: Tensor, attributes: Tensor) -> Tensor {
        require(
            logits.shape == attributes.shape,
            "attribute loss: expected an answer for each logit, got \(logits.summary) and \(attributes.summary)"
        )
        let signs = attributes.to(logits.atLeastSingle().dtype)
        return crossEntropy(logits, targets: signs * 0.5 + 0.5, weights: signs.abs())
    }

    /// The same for targets between present and absent, as smoothing and mixtures have them.
    /// - Parameters:
    ///   - targets: [N, K] in 0...1.
    ///   - weights: [N, K]; 1 for what is known, 0 for what is not.
    public static func crossEntropy(_ logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor {
        logits.atLeastSingle().binaryCrossEntropyWithLogits(targets, weight: weights) * Double(weights.count)
            / weights.sum().clampedBelow(1)
    }
}
