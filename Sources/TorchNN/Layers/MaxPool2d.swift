import Torch

/// Reduces [N, C, H, W] to the largest value of each window.
public final class MaxPool2d: Layer {
    private let kernel: Int
    private let stride: Int
    private let padding: Int
    private let keepsRemainder: Bool

    /// - Parameter keepsRemainder: also take windows that reach over the right and lower border (`ceil_mode`).
    public init(_ kernel: Int, stride: Int, padding: Int = 0, keepsRemainder: Bool = false) {
        (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
        self.keepsRemainder = keepsRemainder
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.maxPool2d(kernel, stride: stride, padding: padding, ceil: keepsRemainder)
    }

    public override var details: String { "\(kernel), stride \(stride), padding \(padding)" }
}
