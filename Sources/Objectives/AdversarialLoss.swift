import Settings
import Torch

/// Adversarial loss of generator and discriminator, on logits.
public struct AdversarialLoss: SettingsGroup, Equatable {
    /// Form of the loss.
    public enum Kind: String, Sendable, CaseIterable {
        /// Cross entropy; the generator minimizes -log D(G(z)), whose gradients remain large while the discriminator
        /// wins (Goodfellow et al. 2014).
        case nonSaturating = "non-saturating"
        /// Cross entropy; the generator minimizes log(1 - D(G(z))): the minimax game (Goodfellow et al. 2014,
        /// equation 1).
        case saturating
        /// Means of an unbounded critic: D(G(z)) - D(x) for the critic, -D(G(z)) for the generator (Arjovsky et al.
        /// 2017). Requires a penalty.
        case wasserstein
        /// Half the squared distance to 1 for real and to 0 for generated pictures (Mao et al. 2017, equation 9).
        case leastSquares = "least-squares"
        /// max(0, 1 - D(x)) + max(0, 1 + D(G(z))) for the discriminator, -D(G(z)) for the generator (Lim and Ye 2017;
        /// Miyato et al. 2018).
        case hinge
        /// softplus(D(G(z)) - D(x)) for the discriminator and the reverse for the generator, in pairs of a real and a
        /// generated picture (Jolicoeur-Martineau 2019). Requires penalties at both (Huang et al. 2024).
        case relativistic
    }

    /// Form of the loss.
    public var kind = Kind.nonSaturating
    /// Target for real pictures. Values below 1 are one-sided label smoothing (Salimans et al. 2016). Only for cross
    /// entropy and least squares.
    public var realLabel = 1.0

    /// Creates a non-saturating loss.
    public init() {}

    /// Creates a loss of a kind.
    public init(_ kind: Kind, realLabel: Double = 1) { (self.kind, self.realLabel) = (kind, realLabel) }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice(
            "kind", &kind,
            "Loss of the generator: -log D(G(z)), log(1 - D(G(z))), -D(G(z)) of a critic, (D(G(z)) - 1)² / 2, "
                + "-D(G(z)) with a hinge loss of the discriminator, or softplus(D(x) - D(G(z))).")
        switch kind {
        case .nonSaturating, .saturating, .leastSquares:
            try v.number(
                "realLabel", &realLabel, in: 0.5...1,
                "Target for real pictures; below 1: one-sided label smoothing.")
        case .wasserstein, .hinge, .relativistic: break
        }
    }

    /// Whether the loss compares logits of real and generated pictures. If so, only `discriminator(real:fake:)` and
    /// `generator(fake:real:)` are defined. They are defined for the other kinds as well.
    public var isRelativistic: Bool { kind == .relativistic }

    /// Loss of the discriminator, [].
    /// - Parameters:
    ///   - real: logits of real pictures, [N].
    ///   - fake: logits of generated pictures, [N].
    public func discriminator(real: Tensor, fake: Tensor) -> Tensor {
        isRelativistic ? Self.relativistic(real, to: fake) : self.real(real) + self.fake(fake)
    }

    /// Loss of the generator, [].
    /// - Parameters:
    ///   - fake: logits of generated pictures, [N].
    ///   - real: logits of real pictures, [N]; used only by the relativistic loss.
    public func generator(fake: Tensor, real: Tensor) -> Tensor {
        isRelativistic ? Self.relativistic(fake, to: real) : generator(fake)
    }

    /// Mean over pairs of -log sigmoid(a - b), [], where sigmoid(a - b) is the probability that `a` is more real than
    /// `b`.
    private static func relativistic(_ a: Tensor, to b: Tensor) -> Tensor {
        require(
            a.shape == b.shape,
            "relativistic loss: expected as many real as generated pictures, got \(a.summary) and \(b.summary)"
        )
        return (b.atLeastSingle() - a.atLeastSingle()).softplus().mean()
    }

    /// Loss of the discriminator on real pictures, []; not for the relativistic kind.
    /// - Parameter logits: logits of real pictures, [N].
    public func real(_ logits: Tensor) -> Tensor {
        let logits = logits.atLeastSingle()
        switch kind {
        case .nonSaturating, .saturating:
            let targets = Tensor.full(logits.shape, realLabel, on: logits.device).to(logits.dtype)
            return logits.binaryCrossEntropyWithLogits(targets)
        case .wasserstein: return -logits.mean()
        case .leastSquares: return (logits - realLabel).square().mean() * 0.5
        case .hinge: return (1 - logits).relu().mean()
        case .relativistic: requiresPairs()
        }
    }

    /// Loss of the discriminator on generated pictures, []; not for the relativistic kind.
    /// - Parameter logits: logits of generated pictures, [N].
    public func fake(_ logits: Tensor) -> Tensor {
        let logits = logits.atLeastSingle()
        switch kind {
        case .nonSaturating, .saturating:
            return logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
        case .wasserstein: return logits.mean()
        case .leastSquares: return logits.square().mean() * 0.5
        case .hinge: return (1 + logits).relu().mean()
        case .relativistic: requiresPairs()
        }
    }

    /// Loss of the generator, []; not for the relativistic kind.
    /// - Parameter logits: logits of generated pictures, [N].
    public func generator(_ logits: Tensor) -> Tensor {
        let logits = logits.atLeastSingle()
        switch kind {
        case .nonSaturating: return logits.binaryCrossEntropyWithLogits(Tensor.ones(like: logits))
        case .saturating: return -logits.binaryCrossEntropyWithLogits(Tensor.zeros(like: logits))
        case .wasserstein, .hinge: return -logits.mean()
        case .leastSquares: return (logits - 1).square().mean() * 0.5
        case .relativistic: requiresPairs()
        }
    }

    private func requiresPairs() -> Never {
        fatalError(
            "AdversarialLoss: a relativistic loss requires real and generated logits. "
                + "Call discriminator(real:fake:) or generator(fake:real:)."
        )
    }

    /// Value that the log shows as D(x), []: the mean probability of being real (0...1) for cross entropy, otherwise
    /// the mean logit.
    /// - Parameter logits: logits, [N].
    public func score(_ logits: Tensor) -> Tensor {
        switch kind {
        case .nonSaturating, .saturating: logits.sigmoid().mean()
        case .wasserstein, .leastSquares, .hinge, .relativistic: logits.mean()
        }
    }
}

extension AdversarialLoss {
    /// Decision threshold of a logit: 0, or half the real label for least squares; nil for a critic and for pairs,
    /// whose logits have no absolute zero.
    public var border: Double? {
        switch kind {
        case .nonSaturating, .saturating, .hinge: 0
        case .leastSquares: realLabel / 2
        case .wasserstein, .relativistic: nil
        }
    }

    /// Fraction of pictures on the correct side of the threshold, [] in 0...1: real ones above it, generated ones
    /// below it. A picture on the threshold counts half.
    ///
    /// Without a `border`, the threshold is the middle between the means of both kinds. The accuracy is then about
    /// 0.5 for a critic that cannot separate them and lower for one that reverses them.
    /// - Parameters:
    ///   - real: logits of real pictures, [N] or [N, S].
    ///   - fake: logits of generated pictures, [N] or [N, S].
    /// - Returns: [].
    public func accuracy(real: Tensor, fake: Tensor) -> Tensor {
        let (real, fake) = (real.atLeastSingle(), fake.atLeastSingle())
        let threshold =
            border.map { Tensor.full([], $0, on: real.device) } ?? (real.mean() + fake.mean()) * 0.5
        return ((real - threshold).sign().mean() - (fake - threshold).sign().mean()) * 0.25 + 0.5
    }
}

/// Binary cross entropy of K attributes, for a discriminator that also classifies (Odena et al. 2017, equation 3,
/// with K binary labels instead of one class).
public struct AttributeLoss: SettingsGroup, Equatable {
    /// Weight in the loss of the discriminator, on real pictures; 0: off.
    public var realWeight = 0.0
    /// Weight in the loss of the generator, on pictures generated for these attributes; 0: off.
    public var fakeWeight = 0.0

    /// Creates a loss that is off.
    public init() {}

    /// Creates a loss with two weights.
    public init(realWeight: Double, fakeWeight: Double) {
        (self.realWeight, self.fakeWeight) = (realWeight, fakeWeight)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "realWeight", &realWeight, in: 0...1e6,
            "Weight in the loss of the discriminator, on real pictures; 0: off.")
        try v.number(
            "fakeWeight", &fakeWeight, in: 0...1e6,
            "Weight in the loss of the generator, on generated pictures; 0: off.")
    }

    /// realWeight * cross entropy on real pictures, [].
    /// - Parameters:
    ///   - logits: [N, K].
    ///   - attributes: [N, K] of 1, -1 or 0.
    public func real(_ logits: Tensor, attributes: Tensor) -> Tensor {
        Self.crossEntropy(logits, attributes: attributes) * realWeight
    }

    /// fakeWeight * cross entropy on generated pictures, [].
    /// - Parameters:
    ///   - logits: [N, K].
    ///   - attributes: [N, K] of 1, -1 or 0.
    public func fake(_ logits: Tensor, attributes: Tensor) -> Tensor {
        Self.crossEntropy(logits, attributes: attributes) * fakeWeight
    }

    /// Mean binary cross entropy over all known attributes; 0 if none is known.
    /// - Parameters:
    ///   - logits: [N, K]; larger means more likely present.
    ///   - attributes: [N, K]; 1 present, -1 absent, 0 unknown.
    /// - Returns: [].
    public static func crossEntropy(_ logits: Tensor, attributes: Tensor) -> Tensor {
        require(
            logits.shape == attributes.shape,
            "attribute loss: expected logits and attributes of one shape, got \(logits.summary) and \(attributes.summary)"
        )
        let signs = attributes.to(logits.atLeastSingle().dtype)
        return crossEntropy(logits, targets: signs * 0.5 + 0.5, weights: signs.abs())
    }

    /// Mean binary cross entropy for soft targets, as in label smoothing and mixup.
    /// - Parameters:
    ///   - logits: [N, K].
    ///   - targets: [N, K] in 0...1.
    ///   - weights: [N, K]; 1 for known, 0 for unknown attributes.
    /// - Returns: [].
    public static func crossEntropy(_ logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor {
        logits.atLeastSingle().binaryCrossEntropyWithLogits(targets, weight: weights) * Double(weights.count)
            / weights.sum().clampedBelow(1)
    }
}
