import Torch
import TorchNN

/// A network that tells real pictures from generated ones.
public protocol Discriminator: Module {
    /// - Parameters:
    ///   - images: [N, 3, side, side], in -1...1; the side is the resolution, or what a growing network has reached.
    ///   - labels: what the pictures should show, [N, K] of 1, -1, or 0 for unknown; nil where nothing is asked.
    func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput
    /// Whether a logit depends on the other pictures of its batch, so that real and generated ones must not share one.
    var usesBatchStatistics: Bool { get }
}

extension Discriminator {
    /// Logits alone, of pictures without labels.
    public func callAsFunction(_ images: Tensor) -> Tensor { self(images, labels: nil).logits }
}
