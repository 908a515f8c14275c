import Torch

/// Slopes of critics at pictures, for penalties.
enum InputGradients {
    /// The mean over critics of what `penalty` makes of each one's own slopes: of their mean, two steep critics could make a
    /// level one.
    /// - Parameters:
    ///   - leaf: [N, ...] with its own tape.
    ///   - logits: [N] of `leaf`, each of its own picture only; or [N, S] of as many critics.
    ///   - penalty: of slopes of the shape of `leaf`.
    static func mean(at leaf: Tensor, of logits: Tensor, _ penalty: (Tensor) -> Tensor) -> Tensor {
        let parts = logits.rank == 1 ? [logits] : (0..<logits.shape[1]).map { logits.select(1, $0) }
        let penalties = parts.map { part in
            // A sum of logits has each picture's own gradient.
            penalty(gradients(of: [part.sum()], wrt: [leaf], createGraph: true)[0]!)
        }
        return Tensor.stacked(penalties, 0).mean()
    }
}
