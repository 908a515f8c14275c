import Torch

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
