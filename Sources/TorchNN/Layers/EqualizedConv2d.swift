import Torch

/// Convolution with equalized learning rate; see `EqualizedRate`. Shapes as in `Conv2d`.
public final class EqualizedConv2d: Layer, WeightedConvolution {
    /// N(0, 1 / rate) at first, [out, in, kernel, kernel].
    public let weight: Parameter
    /// [out].
    public let bias: Parameter?
    public let stride: Int
    public let padding: Int
    private let equalized: EqualizedRate

    /// - Parameters:
    ///   - gain: He's sqrt(2) as in progressive growing; 1 where the activation has it, as in StyleGAN2.
    ///   - rate: the layer's part of the learning rate.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
        gain: Double = 2.0.squareRoot(), rate: Double = 1
    ) {
        let shape = [outputs, inputs, kernel, kernel]
        weight = Parameter(shape: shape)
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding) = (stride, padding)
        equalized = EqualizedRate(weight: shape, gain: gain, rate: rate)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let (weight, bias) = used()
        return input.conv2d(weight: weight, bias: bias, stride: stride, padding: padding)
    }

    public func used() -> (weight: Tensor, bias: Tensor?) { (equalized.weight(weight), equalized.bias(bias)) }

    public override func initialize(_ random: RandomSource) {
        equalized.initialize(weight, bias, start: 0, random)
    }

    public override var details: String {
        let shape = weight.value.shape
        return
            "in \(shape[1]), out \(shape[0]), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (bias == nil ? ", no bias" : "")
    }
}
