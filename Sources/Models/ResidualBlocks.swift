import Torch
import TorchNN

/// The authors' starting values: He's with the mean of both fans, 4 / (fanIn + fanOut); Glorot's where no ReLU follows.
enum ResidualInitializer {
    static let he = Initializer.xavierUniform(gain: 2.0.squareRoot())
    static let glorot = Initializer.xavierUniform()
}

/// Twice the side: normalised ReLU, nearest pixels doubled, 3 x 3, normalised ReLU, 3 x 3; plus a 1 x 1 shortcut.
///
/// Input [N, in, H, W], output [N, out, 2 H, 2 W].
final class ResidualUpBlock: Layer {
    let norm1: BatchNorm2d
    let conv1: Conv2d
    let norm2: BatchNorm2d
    let conv2: Conv2d
    let shortcut: Conv2d

    init(_ inputs: Int, _ outputs: Int) {
        norm1 = BatchNorm2d(inputs)
        conv1 = Conv2d(
            inputs, outputs, kernel: 3, padding: 1, bias: false, initializer: ResidualInitializer.he)
        norm2 = BatchNorm2d(outputs)
        conv2 = Conv2d(outputs, outputs, kernel: 3, padding: 1, initializer: ResidualInitializer.he)
        shortcut = Conv2d(inputs, outputs, kernel: 1, initializer: ResidualInitializer.glorot)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        let result = conv2(norm2(conv1.ofDoubled(norm1(input, slope: 0)), slope: 0))
        // A 1 x 1 convolution and the doubling of pixels commute; this way it sees a quarter of them.
        let short = shortcut(input).upsampledNearest(height: result.shape[2], width: result.shape[3])
        return result + short
    }
}

/// Half the side: ReLU, 3 x 3, ReLU, 3 x 3, means of 2 x 2; plus a 1 x 1 shortcut. Normalised before each ReLU, or not.
///
/// Input [N, in, H, W], output [N, out, H / 2, W / 2].
final class ResidualDownBlock: Layer {
    let norm1: GroupNorm?
    let conv1: Conv2d
    let norm2: GroupNorm?
    let conv2: Conv2d
    let shortcut: Conv2d

    init(_ inputs: Int, _ outputs: Int, normalization: ResidualSettings.Normalization) {
        let isNormal = normalization == .layer
        // Statistics of a whole picture, scale and shift of each channel: one group.
        norm1 = isNormal ? GroupNorm(1, inputs) : nil
        // A shift follows from the normalisation, if there is one.
        conv1 = Conv2d(
            inputs, inputs, kernel: 3, padding: 1, bias: !isNormal, initializer: ResidualInitializer.he)
        norm2 = isNormal ? GroupNorm(1, inputs) : nil
        conv2 = Conv2d(inputs, outputs, kernel: 3, padding: 1, initializer: ResidualInitializer.he)
        shortcut = Conv2d(inputs, outputs, kernel: 1, initializer: ResidualInitializer.glorot)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        // Rectified, because a penalty differentiates a critic's gradients.
        let first = conv1((norm1.map { $0(input) } ?? input).rectified())
        let second = conv2.thenHalved((norm2.map { $0(first) } ?? first).rectified())
        // The 1 x 1 convolution commutes with the means, too.
        return second + shortcut(input.averagePool2d(2, stride: 2))
    }
}

// Resampling by 2 beside a 3 x 3 convolution costs a quarter of the products when the strides do it: for means over pairs,
// (y[2j] + y[2j+1]) / 2 with y[i] = sum w[k] x[i+k-1] is sum w[k] b[2j+k] with b[m] = (x[m-1] + x[m]) / 2.
extension Conv2d {
    /// The means of 2 x 2 pixels of this 3 x 3 convolution's result: [N, in, H, W] to [N, out, H / 2, W / 2].
    func thenHalved(_ input: Tensor) -> Tensor {
        input.averagePool2d(2, stride: 1, padding: 1)
            .conv2d(weight: weight.value, bias: bias?.value, stride: 2)
    }

    /// This 3 x 3 convolution of pictures whose pixels are doubled: [N, in, H, W] to [N, out, 2 H, 2 W].
    func ofDoubled(_ input: Tensor) -> Tensor {
        // The adjoint of the above: sums where that has means, the kernel turned round.
        let turned = weight.value.flipped([2, 3]).transposed(0, 1) * 4
        return input.convTranspose2d(weight: turned, bias: bias?.value, stride: 2)
            .averagePool2d(2, stride: 1)
    }
}
