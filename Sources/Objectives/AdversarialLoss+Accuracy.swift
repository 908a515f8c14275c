import Torch

extension AdversarialLoss {
    /// Share of the pictures on their side of a border, 0...1: real ones above it, generated ones below; one on it is half
    /// right.
    ///
    /// The border is 0 where a logit's sign is the verdict (cross entropy, hinge) and half the real target for least
    /// squares. A critic's numbers and those of pairs have no zero of their own: there it is the middle between the means
    /// of both kinds, which gives about 0.5 to one that cannot tell them apart and less to one that has them reversed.
    /// - Parameters: logits [N] each.
    /// - Returns: [].
    public func accuracy(real: Tensor, fake: Tensor) -> Tensor {
        var (real, fake) = (real.atLeastSingle(), fake.atLeastSingle())
        switch kind {
        case .nonSaturating, .saturating, .hinge: break
        case .leastSquares: (real, fake) = (real - realLabel / 2, fake - realLabel / 2)
        case .wasserstein, .relativistic:
            let border = (real.mean() + fake.mean()) * 0.5
            (real, fake) = (real - border, fake - border)
        }
        return (real.sign().mean() - fake.sign().mean()) * 0.25 + 0.5
    }
}
