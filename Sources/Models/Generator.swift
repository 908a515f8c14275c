import Torch
import TorchNN

/// A network from latents to pictures.
public protocol Generator: Module {
    /// What it starts from.
    var latent: Latent { get }
    /// Side of the pictures.
    var resolution: Int { get }
    /// - Parameter z: [N, latent.size].
    /// - Returns: [N, 3, resolution, resolution], in -1...1.
    func callAsFunction(_ z: Tensor) -> Tensor
    /// The same function with running statistics, faster, without gradients, and with the weights of now.
    func folded() -> (Tensor) -> Tensor
}

extension Generator {
    public func folded() -> (Tensor) -> Tensor { { self($0) } }
}
