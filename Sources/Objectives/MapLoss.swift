import Torch

/// What losses over lists of maps have in common.
enum MapLoss {
    /// Mean over maps of `loss(fake, real)`, in at least single precision; the real maps are detached.
    static func mean(
        _ fake: [Tensor], _ real: [Tensor], paired: Bool, _ name: String, _ loss: (Tensor, Tensor) -> Tensor
    ) -> Tensor {
        require(
            !fake.isEmpty && fake.count == real.count,
            "\(name): expected as many maps of both, got \(fake.count) and \(real.count)")
        let losses = zip(fake, real).map { fake, real in
            let skipped = paired ? 0 : 1
            require(
                fake.shape.dropFirst(skipped) == real.shape.dropFirst(skipped),
                "\(name): expected maps of one shape, got \(fake.summary) and \(real.summary)")
            return loss(fake.atLeastSingle(), real.detached().atLeastSingle())
        }
        return losses.dropFirst().reduce(losses[0]) { $0 + $1 } / Double(losses.count)
    }
}
