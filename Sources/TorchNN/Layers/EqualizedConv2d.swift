import Torch

/// Convolution with equalized learning rate; see `EqualizedLearningRate`. Shapes as in `Conv2d`.
public final class EqualizedConv2d: Layer, WeightedConvolution {
    /// Unscaled weight, [out, in, kernel, kernel]; initially N(0, 1 / learningRateMultiplier).
    public let weight: Parameter
    /// Unscaled bias, [out]; nil if the layer has none.
    public let bias: Parameter?
    /// Step of the kernel in pixels.
    public let stride: Int
    /// Zeros added on each side, in pixels.
    public let padding: Int
    private let equalized: EqualizedLearningRate

    /// Creates a layer for images [N, inputs, H, W].
    /// - Parameters:
    ///   - inputs: number of input channels.
    ///   - outputs: number of output channels.
    ///   - kernel: side of the kernel in pixels.
    ///   - stride: step of the kernel in pixels.
    ///   - padding: zeros added on each side, in pixels.
    ///   - bias: whether the layer has a bias.
    ///   - gain: factor of the effective weight: sqrt(2) in ProGAN; 1 if the activation contains it, as in StyleGAN2.
    ///   - learningRateMultiplier: factor of the learning rate of this layer.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
        gain: Double = 2.0.squareRoot(), learningRateMultiplier: Double = 1
    ) {
        let shape = [outputs, inputs, kernel, kernel]
        weight = Parameter(shape: shape)
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding) = (stride, padding)
        equalized = EqualizedLearningRate(weight: shape, gain: gain, multiplier: learningRateMultiplier)
    }

    /// Applies the convolution: [N, in, H, W] to [N, out, (H + 2 padding - kernel) / stride + 1, ...].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let (weight, bias) = effectiveWeights()
        return input.conv2d(weight: weight, bias: bias, stride: stride, padding: padding)
    }

    /// Scaled weight [out, in, kernel, kernel] and bias [out].
    public func effectiveWeights() -> (weight: Tensor, bias: Tensor?) {
        (equalized.weight(weight), equalized.bias(bias))
    }

    /// Draws the weight from N(0, 1 / learningRateMultiplier) and sets the bias to 0.
    public override func initialize(_ random: RandomSource) {
        equalized.initialize(weight, bias, initialBias: 0, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        let shape = weight.value.shape
        return
            "in \(shape[1]), out \(shape[0]), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (bias == nil ? ", no bias" : "")
    }
}

/// `Linear` with equalized learning rate; see `EqualizedLearningRate`. Input [..., in], output [..., out].
public final class EqualizedLinear: Layer {
    /// Unscaled weight, [out, in]; initially N(0, 1 / learningRateMultiplier).
    public let weight: Parameter
    /// Unscaled bias, [out]; nil if the layer has none.
    public let bias: Parameter?
    private let equalized: EqualizedLearningRate
    private let initialBias: Double

    /// Creates a layer for inputs [..., inputs].
    /// - Parameters:
    ///   - inputs: number of input features.
    ///   - outputs: number of output features.
    ///   - bias: whether the layer has a bias.
    ///   - gain: factor of the effective weight: sqrt(2) in ProGAN; 1 if the activation contains it, as in StyleGAN2.
    ///   - learningRateMultiplier: factor of the learning rate of this layer; 0.01 in StyleGAN's mapping network.
    ///   - initialBias: initial value of the effective bias; 1 for a layer that computes scales from a style.
    public init(
        _ inputs: Int, _ outputs: Int, bias: Bool = true, gain: Double = 2.0.squareRoot(),
        learningRateMultiplier: Double = 1, initialBias: Double = 0
    ) {
        weight = Parameter(shape: [outputs, inputs])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        equalized = EqualizedLearningRate(
            weight: [outputs, inputs], gain: gain, multiplier: learningRateMultiplier)
        self.initialBias = initialBias
    }

    /// Applies the layer: [..., in] to [..., out].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.linear(weight: equalized.weight(weight), bias: equalized.bias(bias))
    }

    /// Scaled weight [out, in] and bias [out], without gradients.
    package func effectiveValues() -> (weight: Tensor, bias: Tensor) {
        withoutGradients {
            let bias = equalized.bias(bias) ?? Tensor.zeros([weight.value.shape[0]], on: weight.value.device)
            return (equalized.weight(weight), bias.detached().cloned())
        }
    }

    /// Draws the weight from N(0, 1 / learningRateMultiplier) and sets the effective bias to its initial value.
    public override func initialize(_ random: RandomSource) {
        equalized.initialize(weight, bias, initialBias: initialBias, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        "in \(weight.value.shape[1]), out \(weight.value.shape[0])\(bias == nil ? ", no bias" : "")"
    }
}

/// Equalized learning rate (Karras et al. 2018, section 4.1).
///
/// Weights of all layers have the same initial deviation and are scaled in the forward pass, so that a step of Adam
/// changes all layers by the same relative amount.
struct EqualizedLearningRate {
    /// Factor of the weight in the forward pass, gain * multiplier / sqrt(fanIn).
    let scale: Double
    /// Factor of the bias in the forward pass and of the learning rate of the layer.
    let multiplier: Double

    /// Factors for a weight of shape `shape`, [out, in, ...].
    init(weight shape: [Int], gain: Double, multiplier: Double) {
        scale = gain * multiplier / Initializer.fans(shape).fanIn.squareRoot()
        self.multiplier = multiplier
    }

    /// Effective weight, of the shape of the parameter.
    func weight(_ weight: Parameter) -> Tensor { weight.value * scale }

    /// Effective bias, of the shape of the parameter.
    func bias(_ bias: Parameter?) -> Tensor? {
        multiplier == 1 ? bias?.value : bias.map { $0.value * multiplier }
    }

    /// Draws the weight from N(0, 1 / multiplier) and sets the bias to the given effective value.
    ///
    /// The effective weight then has the standard deviation gain / sqrt(fanIn).
    func initialize(
        _ weight: Parameter, _ bias: Parameter?, initialBias: Double, _ random: RandomSource
    ) {
        Initializer.normal(deviation: 1 / multiplier).fill(weight.value, random: random)
        if let bias { Initializer.constant(initialBias / multiplier).fill(bias.value, random: random) }
    }
}
