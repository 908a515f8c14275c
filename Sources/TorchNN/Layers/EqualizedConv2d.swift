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

/// Equalized learning rate (Karras et al. 2018, section 4.1): weights of one size whatever the layer, multiplied as they
/// are used, so that a step of Adam moves every layer alike.
struct EqualizedRate {
    /// What the weight is multiplied by, gain * rate / sqrt(fanIn).
    let scale: Double
    /// What the bias is multiplied by, and the layer's part of the learning rate.
    let rate: Double

    init(weight shape: [Int], gain: Double, rate: Double) {
        scale = gain * rate / Initializer.fans(shape).fanIn.squareRoot()
        self.rate = rate
    }

    /// The weight as it is used.
    func weight(_ weight: Parameter) -> Tensor { weight.value * scale }

    /// The bias as it is used.
    func bias(_ bias: Parameter?) -> Tensor? {
        rate == 1 ? bias?.value : bias.map { $0.value * rate }
    }

    /// N(0, 1 / rate), so that the weight is used with deviation gain / sqrt(fanIn); biases that are used as `start`.
    func initialize(_ weight: Parameter, _ bias: Parameter?, start: Double, _ random: RandomSource) {
        Initializer.normal(deviation: 1 / rate).fill(weight.value, random: random)
        if let bias { Initializer.constant(start / rate).fill(bias.value, random: random) }
    }
}
