import Torch
import TorchNN

/// Twice the side: nearest pixels doubled and two 3 x 3 convolutions, each followed by LeakyReLU and pixel norm; attention
/// where it belongs. Input [N, in, H, W], output [N, out, 2 H, 2 W].
public final class ProgressiveUpBlock: Layer {
    public let conv1: EqualizedConv2d
    public let conv2: EqualizedConv2d
    /// The way around, [N, in, H, W] to [N, out, H, W].
    public let shortcut: EqualizedConv2d?
    public let attention: SelfAttention2d?
    private let norm = PixelNorm()

    init(_ inputs: Int, _ output: (side: Int, channels: Int), _ settings: ProgressiveSettings) {
        conv1 = EqualizedConv2d(inputs, output.channels, kernel: 3, padding: 1)
        conv2 = EqualizedConv2d(output.channels, output.channels, kernel: 3, padding: 1)
        shortcut =
            settings.residual
            ? EqualizedConv2d(inputs, output.channels, kernel: 1, bias: false, gain: 1) : nil
        attention = settings.attention.layer(for: output, weights: .equalized)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        var result = norm(conv1.ofDoubled(input).leakyReLU(0.2))
        result = norm(conv2(result).leakyReLU(0.2))
        if let shortcut {
            // The sum is brought back to unit size, too: a way that nothing bounds carries one block's drift to all others.
            // No convolution follows on the way to colors, so doubled pixels would show.
            let way = shortcut(input).upsampledBilinear(height: result.shape[2], width: result.shape[3])
            result = norm(result + way)
        }
        return attention.map { norm($0(result)) } ?? result
    }
}

/// Half the side: two 3 x 3 convolutions with LeakyReLU, the second's result averaged over 2 x 2 before it, as the authors'
/// fused layers have it. Input [N, in, H, W], output [N, out, H / 2, W / 2].
public final class ProgressiveDownBlock: Layer {
    public let conv1: EqualizedConv2d
    public let conv2: EqualizedConv2d
    /// The way around, [N, in, H / 2, W / 2] to [N, out, H / 2, W / 2].
    public let shortcut: EqualizedConv2d?
    public let attention: SelfAttention2d?

    init(_ inputs: Int, _ output: (side: Int, channels: Int), _ settings: ProgressiveSettings) {
        conv1 = EqualizedConv2d(inputs, inputs, kernel: 3, padding: 1)
        conv2 = EqualizedConv2d(inputs, output.channels, kernel: 3, padding: 1)
        shortcut =
            settings.residual
            ? EqualizedConv2d(inputs, output.channels, kernel: 1, bias: false, gain: 1) : nil
        attention = settings.attention.layer(for: output, weights: .equalized)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        var result = conv2.thenHalved(conv1(input).leakyReLU(0.2)).leakyReLU(0.2)
        if let shortcut {
            result = (result + shortcut(input.averagePool2d(2, stride: 2))) * 0.5.squareRoot()
        }
        return attention.map { $0(result) } ?? result
    }
}
