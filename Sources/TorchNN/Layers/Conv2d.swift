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
