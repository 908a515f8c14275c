import Torch

/// Reduces [N, C, H, W] to [N, C, H / factor, W / factor] by means.
public final class Downsample: Layer {
    private let factor: Int

    public init(_ factor: Int = 2) { self.factor = factor }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.averagePool2d(factor, stride: factor)
    }

    public override var details: String { "\(factor)" }
}
