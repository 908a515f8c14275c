import Torch

/// `Linear` with equalized learning rate; see `EqualizedRate`. Input [..., in], output [..., out].
public final class EqualizedLinear: Layer {
    /// N(0, 1 / rate) at first, [out, in].
    public let weight: Parameter
    /// [out].
    public let bias: Parameter?
    private let equalized: EqualizedRate
    private let biasStart: Double

    /// - Parameters:
    ///   - gain: He's sqrt(2) as in progressive growing; 1 where the activation has it, as in StyleGAN2.
    ///   - rate: the layer's part of the learning rate; StyleGAN's mapping has 0.01.
    ///   - biasStart: what the bias adds at first; 1 where a style scales.
    public init(
        _ inputs: Int, _ outputs: Int, bias: Bool = true, gain: Double = 2.0.squareRoot(), rate: Double = 1,
        biasStart: Double = 0
    ) {
        weight = Parameter(shape: [outputs, inputs])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        equalized = EqualizedRate(weight: [outputs, inputs], gain: gain, rate: rate)
        self.biasStart = biasStart
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.linear(weight: equalized.weight(weight), bias: equalized.bias(bias))
    }

    public override func initialize(_ random: RandomSource) {
        equalized.initialize(weight, bias, start: biasStart, random)
    }

    public override var details: String {
        "in \(weight.value.shape[1]), out \(weight.value.shape[0])\(bias == nil ? ", no bias" : "")"
    }
}
