import Torch
import TorchNN

/// A network from codes to pictures.
public protocol Generator: Module {
    /// What z is.
    var latent: Latent { get }
    /// Side of the pictures.
    var resolution: Int { get }
    /// - Parameter code: [N, latent.size], and behind it the labels of a conditional generator.
    /// - Returns: [N, 3, resolution, resolution], in -1...1.
    func callAsFunction(_ code: Tensor) -> Tensor
    /// The same while it grows: [N, 3, side, side].
    func grown(_ code: Tensor) -> Tensor
    /// The same function with running statistics, faster, without gradients, and with the weights of now.
    func folded() -> (Tensor) -> Tensor
}

extension Generator {
    public func grown(_ code: Tensor) -> Tensor { self(code) }

    public func folded() -> (Tensor) -> Tensor { { self($0) } }
}
