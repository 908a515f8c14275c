import Torch

/// 2-D convolution. Input [N, in, H, W], output [N, out, (H + 2 padding - kernel) / stride + 1, ...].
public final class Conv2d: Layer {
    /// Weight, [out, in / groups, kernel, kernel].
    public let weight: Parameter
    /// Bias, [out]; nil if the layer has none.
    public let bias: Parameter?
    /// Step of the kernel in pixels.
    public let stride: Int
    /// Zeros added on each side, in pixels.
    public let padding: Int
    /// Number of groups of channels.
    public let groups: Int
    private let initializer: Initializer

    /// Creates a layer for images [N, inputs, H, W].
    /// - Parameters:
    ///   - inputs: number of input channels.
    ///   - outputs: number of output channels.
    ///   - kernel: side of the kernel in pixels.
    ///   - stride: step of the kernel in pixels.
    ///   - padding: zeros added on each side, in pixels.
    ///   - groups: number of groups of channels that are convolved separately.
    ///   - bias: whether the layer has a bias.
    ///   - initializer: initializer of the weight. With `.pytorch` the bias is uniform, otherwise zero.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, groups: Int = 1,
        bias: Bool = true, initializer: Initializer = .pytorch
    ) {
        require(
            inputs % groups == 0 && outputs % groups == 0,
            "Conv2d: expected channels divisible by \(groups) groups, got in \(inputs), out \(outputs)")
        weight = Parameter(shape: [outputs, inputs / groups, kernel, kernel])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding, self.groups) = (stride, padding, groups)
        self.initializer = initializer
    }

    /// Applies the convolution: [N, in, H, W] to [N, out, (H + 2 padding - kernel) / stride + 1, ...].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.conv2d(
            weight: weight.value, bias: bias?.value, stride: stride, padding: padding, groups: groups)
    }

    /// Initializes weight and bias with the initializer of the layer.
    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        let shape = weight.value.shape
        return
            "in \(shape[1] * groups), out \(shape[0]), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (groups > 1 ? ", groups \(groups)" : "") + (bias == nil ? ", no bias" : "")
    }
}

/// Transposed 2-D convolution.
///
/// Input [N, in, H, W], output [N, out, (H - 1) stride - 2 padding + kernel + outputPadding, ...].
public final class ConvTranspose2d: Layer {
    /// Weight, [in, out / groups, kernel, kernel].
    public let weight: Parameter
    /// Bias, [out]; nil if the layer has none.
    public let bias: Parameter?
    /// Enlargement factor of the image.
    public let stride: Int
    /// Rows and columns removed on each side of the output.
    public let padding: Int
    /// Rows and columns added at the lower and right border of the output.
    public let outputPadding: Int
    /// Number of groups of channels.
    public let groups: Int
    private let initializer: Initializer

    /// Creates a layer for images [N, inputs, H, W].
    /// - Parameters:
    ///   - inputs: number of input channels.
    ///   - outputs: number of output channels.
    ///   - kernel: side of the kernel in pixels.
    ///   - stride: enlargement factor of the image.
    ///   - padding: rows and columns removed on each side of the output.
    ///   - outputPadding: rows and columns added at the lower and right border of the output.
    ///   - groups: number of groups of channels that are convolved separately.
    ///   - bias: whether the layer has a bias.
    ///   - initializer: initializer of the weight. With `.pytorch` the bias is uniform, otherwise zero.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
        groups: Int = 1, bias: Bool = true, initializer: Initializer = .pytorch
    ) {
        require(
            inputs % groups == 0 && outputs % groups == 0,
            "ConvTranspose2d: expected channels divisible by \(groups) groups, got in \(inputs), out \(outputs)"
        )
        weight = Parameter(shape: [inputs, outputs / groups, kernel, kernel])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding, self.outputPadding, self.groups) = (
            stride, padding, outputPadding, groups
        )
        self.initializer = initializer
    }

    /// Applies the convolution: [N, in, H, W] to [N, out, (H - 1) stride - 2 padding + kernel + outputPadding, ...].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.convTranspose2d(
            weight: weight.value, bias: bias?.value, stride: stride, padding: padding,
            outputPadding: outputPadding, groups: groups)
    }

    /// Initializes weight and bias with the initializer of the layer.
    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        let shape = weight.value.shape
        return
            "in \(shape[0]), out \(shape[1] * groups), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (outputPadding > 0 ? ", output padding \(outputPadding)" : "")
            + (groups > 1 ? ", groups \(groups)" : "") + (bias == nil ? ", no bias" : "")
    }
}

/// 2-D convolution with a rectangular kernel, such as 1 x 7.
///
/// Input [N, in, H, W], output [N, out, (H + 2 padding.rows - kernel.rows) / stride + 1, ...]; columns likewise.
public final class RectangularConv2d: Layer {
    /// Numbers of rows and columns.
    public typealias Sides = (rows: Int, columns: Int)

    /// Weight, [out, in, kernel.rows, kernel.columns].
    public let weight: Parameter
    /// Bias, [out]; nil if the layer has none.
    public let bias: Parameter?
    /// Step of the kernel in pixels.
    public let stride: Int
    /// Zeros added on each side, in pixels.
    public let padding: Sides
    private let initializer: Initializer

    /// Creates a layer for images [N, inputs, H, W].
    /// - Parameters:
    ///   - inputs: number of input channels.
    ///   - outputs: number of output channels.
    ///   - kernel: rows and columns of the kernel.
    ///   - stride: step of the kernel in pixels.
    ///   - padding: zeros added above and below, and on the left and right, in pixels.
    ///   - bias: whether the layer has a bias.
    ///   - initializer: initializer of the weight. With `.pytorch` the bias is uniform, otherwise zero.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Sides, stride: Int = 1, padding: Sides = (0, 0),
        bias: Bool = true, initializer: Initializer = .pytorch
    ) {
        weight = Parameter(shape: [outputs, inputs, kernel.rows, kernel.columns])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        (self.stride, self.padding, self.initializer) = (stride, padding, initializer)
    }

    /// Applies the convolution: [N, in, H, W] to [N, out, (H + 2 padding - kernel) / stride + 1, ...].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.conv2d(weight: weight.value, bias: bias?.value, stride: stride, padding: padding)
    }

    /// Initializes weight and bias with the initializer of the layer.
    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        let shape = weight.value.shape
        return "in \(shape[1]), out \(shape[0]), kernel \(shape[2])x\(shape[3]), stride \(stride)"
            + (bias == nil ? ", no bias" : "")
    }
}

/// A convolution layer with a weight that may be computed from its parameters, as in spectral normalization.
public protocol WeightedConvolution: Layer {
    /// Weight [out, in, kernel, kernel] and bias [out] of one forward pass.
    func effectiveWeights() -> (weight: Tensor, bias: Tensor?)
}

extension Conv2d: WeightedConvolution {
    /// The parameters: weight [out, in / groups, kernel, kernel] and bias [out].
    public func effectiveWeights() -> (weight: Tensor, bias: Tensor?) { (weight.value, bias?.value) }
}
