import Torch

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
