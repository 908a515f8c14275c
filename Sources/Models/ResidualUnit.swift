import Torch
import TorchNN

/// Basic residual block (He et al. 2016): two 3 x 3 convolutions with batch normalization and a shortcut.
/// [N, in, H, W] to [N, out, H / stride, W / stride].
public final class ResidualUnit: Layer {
    /// Convolutions and normalizations.
    public let main: Sequential
    /// 1 x 1 shortcut; nil if input and output have the same shape.
    public let shortcut: Sequential?

    /// Creates a block.
    /// - Parameters:
    ///   - inputs: input channels.
    ///   - outputs: output channels.
    ///   - stride: stride of the first convolution.
    ///   - initializer: initializer of the weights.
    public init(_ inputs: Int, _ outputs: Int, stride: Int = 1, initializer: Initializer = .heNormal()) {
        main = Sequential(
            Conv2d(
                inputs, outputs, kernel: 3, stride: stride, padding: 1, bias: false, initializer: initializer),
            BatchNorm2d(outputs), Activation.relu(),
            Conv2d(outputs, outputs, kernel: 3, padding: 1, bias: false, initializer: initializer),
            BatchNorm2d(outputs))
        shortcut =
            stride == 1 && inputs == outputs
            ? nil
            : Sequential(
                Conv2d(
                    inputs, outputs, kernel: 1, stride: stride, bias: false, initializer: initializer),
                BatchNorm2d(outputs))
    }

    /// Applies the block: [N, in, H, W] to [N, out, H / stride, W / stride].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        (main(input) + (shortcut?(input) ?? input)).relu()
    }

    /// Block for inference with folded batch normalization; see `FoldedSequential`.
    func folded() -> (Tensor) -> Tensor {
        let main = FoldedSequential(main)
        let shortcut = shortcut.map { FoldedSequential($0) }
        return { input in
            let sum = main(input)
            sum.add_(shortcut?(input) ?? input)
            sum.relu_()
            return sum
        }
    }
}
