import Torch
import TorchNN

/// A network that tells real pictures from generated ones.
public protocol Discriminator: Module {
    /// - Parameter images: [N, 3, resolution, resolution], in -1...1.
    /// - Returns: [N] logits; greater means more real.
    func callAsFunction(_ images: Tensor) -> Tensor
    /// Whether a logit depends on the other pictures of its batch, so that real and generated ones must not share one.
    var usesBatchStatistics: Bool { get }
}
