import Torch

/// Gives each element another shape, the first dimension kept.
public final class Reshape: Layer {
    private let shape: [Int]

    public init(_ shape: Int...) { self.shape = shape }

    public override func callAsFunction(_ input: Tensor) -> Tensor { input.reshape([input.shape[0]] + shape) }

    public override var details: String { "\(shape)" }
}
