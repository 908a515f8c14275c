import Torch
import TorchNN

/// How a modulated convolution is computed; the results differ by rounding only.
public enum ModulationForm: Sendable, CaseIterable {
    /// Scales the maps before and after a convolution that is the same for all pictures.
    case activations
    /// Scales the weight for every picture, in a convolution with one group per picture.
    case weights

    /// Form of the current task; `activations` unless `with` changes it.
    @TaskLocal public static var current = ModulationForm.activations

    /// Runs `body` with a form.
    public static func with<Result>(_ form: ModulationForm, _ body: () throws -> Result) rethrows -> Result {
        try $current.withValue(form, operation: body)
    }
}

/// Bias, leaky ReLU and limit after the convolutions of StyleGAN2.
///
/// The leaky ReLU is homogeneous, so its gain is applied to its input.
enum StyleActivation {
    /// Gain of a leaky ReLU that preserves the variance.
    static let gain = 2.0.squareRoot()

    /// Activates maps.
    /// - Parameters:
    ///   - maps: [N, C, H, W], with the gains of the layer and of the activation.
    ///   - bias: [C], without gains.
    ///   - gain: gain of the layer.
    ///   - clamp: limit of the result, in units of the gain of the layer; nil for none.
    /// - Returns: [N, C, H, W].
    static func apply(_ maps: Tensor, bias: Tensor, gain: Double, clamp: Double?) -> Tensor {
        let total = gain * Self.gain
        let result = (maps + (bias * total).to(maps.dtype).reshape([1, -1, 1, 1])).leakyReLU(0.2)
        return clamp.map { result.clamped(-$0 * gain...$0 * gain) } ?? result
    }
}

/// Factors of a modulated convolution for each picture, in float32.
struct Modulation {
    /// Factors of the input channels, [N, I].
    let input: Tensor
    /// Factors of the output channels, [N, O]; nil without demodulation.
    let output: Tensor?

    /// Factors [N, C] in the shape and type of maps.
    static func factors(_ factors: Tensor, like maps: Tensor) -> Tensor {
        factors.to(maps.dtype).unsqueezed(2).unsqueezed(3)
    }
}

/// 3 x 3 convolution whose input channels are scaled by a style and whose output is normalized by its expected deviation,
/// with noise, bias and leaky ReLU (Karras et al. 2020, section 2.2).
///
/// Input [N, I, H, W] and w [N, W], output [N, O, H, W] or, if it upsamples, [N, O, 2 H, 2 W].
public final class ModulatedConvolution: Module {
    /// Weight, [O, I, 3, 3]. It has no scale for an equalized learning rate, because the normalization cancels it.
    public let weight: Parameter
    /// Strength of the noise, [].
    public let noiseStrength: Parameter
    /// Bias, [O].
    public let bias: Parameter
    /// Constant noise, [side, side].
    public let noiseConst: Buffer
    /// Styles of the input channels, [N, W] to [N, I].
    public let affine: EqualizedLinear
    /// Whether the convolution doubles the side.
    let upsamples: Bool
    /// Side of the output, in pixels.
    let side: Int
    /// Limit of the output, in units of the gain; nil for none.
    let clamp: Double?
    private let filter: ResamplingFilter

    /// Creates a convolution with uninitialized weights.
    /// - Parameters:
    ///   - inputs: input channels I.
    ///   - outputs: output channels O.
    ///   - side: side of the output, in pixels.
    ///   - upsamples: whether the side of the input is half of it.
    ///   - settings: size of w and limit of the output.
    ///   - filter: filter of the network.
    init(
        _ inputs: Int, _ outputs: Int, side: Int, upsamples: Bool, _ settings: StyleGAN2Settings,
        filter: ResamplingFilter
    ) {
        weight = Parameter(shape: [outputs, inputs, 3, 3])
        noiseStrength = Parameter(shape: [])
        bias = Parameter(shape: [outputs])
        noiseConst = Buffer(Tensor.zeros([side, side]))
        affine = EqualizedLinear(settings.wSize, inputs, gain: 1, initialBias: 1)
        (self.upsamples, self.side, self.filter) = (upsamples, side, filter)
        clamp = settings.limit
    }

    /// Draws the weight and the constant noise from N(0, 1). Bias and noise strength are 0, styles 1 on average.
    public override func initialize(_ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(weight.value, random: random)
        withoutGradients {
            noiseStrength.value.zero_()
            bias.value.zero_()
            noiseConst.value.normal_(random: random)
        }
        affine.initialize(random)
    }

    /// Factors of the channels for w [N, W].
    func modulation(_ w: Tensor) -> Modulation {
        let style = affine(w)
        let squares = weight.value.square().sum([2, 3]).transposed(0, 1)
        return Modulation(input: style, output: (style.square().matmul(squares) + 1e-8).rsqrt())
    }

    /// Noise image in the type of the maps; nil for none.
    func noise(_ input: NoiseInput, count: Int) -> Tensor? {
        switch input {
        case .none: nil
        case .constant: noiseConst.value.reshape([1, 1, side, side])
        case .random(let random):
            Tensor.normal([count, 1, side, side], random: random).to(noiseConst.value.device)
        case .streams(let streams):
            Tensor.concatenated(streams.map { Tensor.normal([1, 1, side, side], random: $0) })
                .to(noiseConst.value.device)
        }
    }

    /// Applies the layer.
    /// - Parameters:
    ///   - input: [N, I, H, W].
    ///   - modulation: factors of the channels.
    ///   - noise: noise images [N, 1, side, side] or [1, 1, side, side]; nil for none.
    ///   - gain: factor of the output.
    /// - Returns: [N, O, side, side].
    func callAsFunction(
        _ input: Tensor, _ modulation: Modulation, noise: Tensor?, gain: Double = 1
    ) -> Tensor {
        let total = gain * StyleActivation.gain
        var maps: Tensor
        if ModulationForm.current == .weights {
            maps = convolvedInGroups(input, modulation) * total
            if let noise { maps = maps + (noise * (noiseStrength.value * total)).to(maps.dtype) }
        } else {
            let scaled = input * Modulation.factors(modulation.input, like: input)
            maps =
                upsamples
                ? filter.convolvedUp(scaled, weight.value)
                : scaled.conv2d(weight: weight.value, bias: nil, padding: 1)
            let factors = Modulation.factors(modulation.output! * total, like: maps)
            maps =
                noise.map {
                    ($0 * (noiseStrength.value * total)).to(maps.dtype).addingProduct(maps, factors)
                } ?? maps * factors
        }
        return StyleActivation.apply(maps, bias: bias.value, gain: gain, clamp: clamp)
    }

    /// Convolution by a weight for every picture, without noise and bias.
    private func convolvedInGroups(_ input: Tensor, _ modulation: Modulation) -> Tensor {
        let (count, inputs, outputs) = (input.shape[0], input.shape[1], weight.value.shape[0])
        let demodulation = modulation.output!.reshape([count, outputs, 1, 1, 1])
        let weights =
            weight.value.unsqueezed(0) * modulation.input.reshape([count, 1, inputs, 1, 1]) * demodulation
        let maps = input.contiguous().reshape([1, count * inputs] + input.shape[2...])
        let result: Tensor
        if upsamples {
            let folded = filter.upsampling(weights.reshape([count * outputs, inputs, 3, 3]))
            // [I, N O, 6, 6] to [N I, O, 6, 6]
            let grouped = folded.reshape([inputs, count, outputs, 36]).transposed(0, 1)
                .reshape([count * inputs, outputs, 6, 6])
            result = maps.convTranspose2d(weight: grouped, bias: nil, stride: 2, padding: 2, groups: count)
        } else {
            result = maps.conv2d(
                weight: weights.reshape([count * outputs, inputs, 3, 3]), bias: nil, padding: 1,
                groups: count)
        }
        return result.reshape([count, outputs, side, side])
    }
}

/// 1 x 1 convolution from maps to colors, modulated and without normalization.
///
/// Input [N, I, H, W] and w [N, W], output [N, 3, H, W] in float32.
public final class ModulatedColors: Module {
    /// Weight, [3, I, 1, 1].
    public let weight: Parameter
    /// Bias, [3].
    public let bias: Parameter
    /// Styles of the input channels, [N, W] to [N, I].
    public let affine: EqualizedLinear
    let clamp: Double?

    /// Creates a layer with uninitialized weights.
    /// - Parameters:
    ///   - inputs: input channels I.
    ///   - settings: size of w and limit of the colors.
    init(_ inputs: Int, _ settings: StyleGAN2Settings) {
        weight = Parameter(shape: [3, inputs, 1, 1])
        bias = Parameter(shape: [3])
        affine = EqualizedLinear(settings.wSize, inputs, gain: 1, initialBias: 1)
        clamp = settings.limit
    }

    /// Draws the weight from N(0, 1). The bias is 0, styles 1 on average.
    public override func initialize(_ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(weight.value, random: random)
        withoutGradients { bias.value.zero_() }
        affine.initialize(random)
    }

    /// Factors of the channels for w [N, W].
    func modulation(_ w: Tensor) -> Modulation {
        Modulation(input: affine(w) * (1 / Double(weight.value.shape[1]).squareRoot()), output: nil)
    }

    /// Applies the layer: maps [N, I, H, W] to colors [N, 3, H, W] in float32.
    func callAsFunction(_ input: Tensor, _ modulation: Modulation) -> Tensor {
        let scaled = input * Modulation.factors(modulation.input, like: input)
        let colors =
            scaled.conv2d(weight: weight.value, bias: nil).atLeastSingle()
            + bias.value.reshape([1, 3, 1, 1])
        return clamp.map { colors.clamped(-$0...$0) } ?? colors
    }
}
