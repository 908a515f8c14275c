import Torch

/// Each pixel's channels scaled to unit mean square (Karras et al. 2018, section 4.2). Input and output [N, C, ...].
public final class PixelNorm: Layer {
    private let epsilon: Double

    public init(epsilon: Double = 1e-8) { self.epsilon = epsilon }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input * (input.square().mean([1], keep: true) + epsilon).rsqrt()
    }
}
