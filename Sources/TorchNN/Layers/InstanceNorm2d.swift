import Torch

/// Normalization of each channel of each picture (Ulyanov et al. 2016). Input and output [N, C, H, W].
public final class InstanceNorm2d: Layer {
    public let weight: Parameter?
    public let bias: Parameter?
    private let channels: Int
    private let epsilon: Double

    public init(_ channels: Int, affine: Bool = false, epsilon: Double = 1e-5) {
        weight = affine ? Parameter(onesOf: [channels]) : nil
        bias = affine ? Parameter(shape: [channels]) : nil
        (self.channels, self.epsilon) = (channels, epsilon)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.instanceNorm(weight: weight?.value, bias: bias?.value, epsilon: epsilon)
    }

    public override var details: String { "\(channels)" }
}
