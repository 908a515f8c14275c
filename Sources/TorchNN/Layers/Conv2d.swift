import Torch

/// Convolution over pictures. Input [N, in, H, W], output [N, out, (H + 2 padding - kernel) / stride + 1, ...].
public final class Conv2d: Layer {
    /// [out, in / groups, kernel, kernel].
    public let weight: Parameter
    /// [out].
    public let bias: Parameter?
    public let stride: Int
    public let padding: Int
    public let groups: Int
    private let initializer: Initializer

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1,
        bias: Bool = true, initializer: Initializer = .pytorch
    ) {
        require(
            inputs % groups == 0 && outputs % groups == 0,
            "Conv2d: expected channels that divide by groups \(groups), got in \(inputs), out \(outputs)")
        weight = Parameter(shape: [outputs, inputs / groups, kernel, kernel])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding, self.groups) = (stride, padding, groups)
        self.initializer = initializer
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.conv2d(
            weight: weight.value, bias: bias?.value, stride: stride, padding: padding, groups: groups)
    }

    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    public override var details: String {
        let shape = weight.value.shape
        return
            "in \(shape[1] * groups), out \(shape[0]), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (groups > 1 ? ", groups \(groups)" : "") + (bias == nil ? ", no bias" : "")
    }
}

/// Transposed convolution. Input [N, in, H, W], output side (H - 1) stride - 2 padding + kernel + outputPadding.
public final class ConvTranspose2d: Layer {
    /// [in, out / groups, kernel, kernel].
    public let weight: Parameter
    /// [out].
    public let bias: Parameter?
    public let stride: Int
    public let padding: Int
    public let outputPadding: Int
    public let groups: Int
    private let initializer: Initializer

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
        groups: Int = 1, bias: Bool = true, initializer: Initializer = .pytorch
    ) {
        require(
            inputs % groups == 0 && outputs % groups == 0,
            "ConvTranspose2d: expected channels that divide by groups \(groups), got in \(inputs), out \(outputs)"
        )
        weight = Parameter(shape: [inputs, outputs / groups, kernel, kernel])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding, self.outputPadding, self.groups) = (
            stride, padding, outputPadding, groups
        )
        self.initializer = initializer
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.convTranspose2d(
            weight: weight.value, bias: bias?.value, stride: stride, padding: padding,
            outputPadding: outputPadding,
            groups: groups)
    }

    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    public override var details: String {
        let shape = weight.value.shape
        return
            "in \(shape[0]), out \(shape[1] * groups), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (outputPadding > 0 ? ", output padding \(outputPadding)" : "")
            + (groups > 1 ? ", groups \(groups)" : "") + (bias == nil ? ", no bias" : "")
    }
}

/// Convolution with a window of two sides, such as 1 x 7.
///
/// Input [N, in, H, W], output [N, out, (H + 2 padding - kernel) / stride + 1, ...] along each side.
public final class RectangularConv2d: Layer {
    /// Rows and columns.
    public typealias Sides = (rows: Int, columns: Int)

    /// [out, in, rows, columns].
    public let weight: Parameter
    /// [out].
    public let bias: Parameter?
    public let stride: Int
    public let padding: Sides
    private let initializer: Initializer

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Sides, stride: Int = 1, padding: Sides = (0, 0),
        bias: Bool = true, initializer: Initializer = .pytorch
    ) {
        weight = Parameter(shape: [outputs, inputs, kernel.rows, kernel.columns])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding, self.initializer) = (stride, padding, initializer)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.conv2d(weight: weight.value, bias: bias?.value, stride: stride, padding: padding)
    }

    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    public override var details: String {
        let shape = weight.value.shape
        return "in \(shape[1]), out \(shape[0]), kernel \(shape[2])x\(shape[3]), stride \(stride)"
            + (bias == nil ? ", no bias" : "")
    }
}

/// A convolution over pictures whose weight may follow from what is trained.
public protocol WeightedConvolution: Layer {
    /// Weight [out, in, kernel, kernel] and bias [out] of this pass.
    func used() -> (weight: Tensor, bias: Tensor?)
}

extension Conv2d: WeightedConvolution {
    public func used() -> (weight: Tensor, bias: Tensor?) { (weight.value, bias?.value) }
}
