import Torch

/// Normalization over the last dimensions (Ba et al. 2016). Input and output [..., shape].
public final class LayerNorm: Layer {
    public let weight: Parameter?
    public let bias: Parameter?
    private let shape: [Int]
    private let epsilon: Double

    public init(_ shape: [Int], affine: Bool = true, epsilon: Double = 1e-5) {
        weight = affine ? Parameter(onesOf: shape) : nil
        bias = affine ? Parameter(shape: shape) : nil
        (self.shape, self.epsilon) = (shape, epsilon)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.layerNorm(shape: shape, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
    }

    public override var details: String { "\(shape)" }
}
