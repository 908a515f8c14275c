import Torch
import TorchNN

/// A network from pictures to pictures of the same faces.
public protocol Restorer: Module {
    /// How many times as large as the pictures that it takes its own are.
    var scale: Int { get }
    /// The only side of pictures that it takes; nil for any.
    var inputSide: Int? { get }
    /// Pixels of what it takes, to each side, that a pixel of its pictures depends on.
    var reach: Int { get }
    /// - Parameter images: [N, 3, H, W], in -1...1.
    /// - Returns: [N, 3, scale H, scale W], about in -1...1.
    func callAsFunction(_ images: Tensor) -> Tensor
}
