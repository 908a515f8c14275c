import Torch
import TorchNN

/// Two 3 x 3 convolutions with batch normalization, and a way around them. [N, in, H, W] to [N, out, H / stride, ...].
public final class ResidualUnit: Layer {
    public let main: Sequential
    /// Where the shapes differ.
    public let shortcut: Sequential?

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

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        (main(input) + (shortcut?(input) ?? input)).relu()
    }

    /// In use; see `FoldedSequential`.
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
