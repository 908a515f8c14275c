import Torch
import TorchNN

/// What the layers of a residual network are made of.
struct ResidualStyle {
    /// Whether weights are spectrally normalized.
    var isSpectral = false
    /// Length of the vector that batch normalization is conditioned on; 0 for none.
    var conditions = 0
    /// What precedes a critic's ReLUs.
    var normalization = ResidualSettings.Normalization.none

    /// The authors' starting values: He's with the mean of both fans, 4 / (fanIn + fanOut); Glorot's where no ReLU follows.
    static let he = Initializer.xavierUniform(gain: 2.0.squareRoot())
    static let glorot = Initializer.xavierUniform()

    /// A convolution that keeps the side.
    func convolution(
        _ inputs: Int, _ outputs: Int, kernel: Int, bias: Bool = true, _ initializer: Initializer = Self.he
    ) -> any WeightedConvolution {
        isSpectral
            ? SpectralConv2d(
                inputs, outputs, kernel: kernel, padding: kernel / 2, bias: bias, initializer: initializer)
            : Conv2d(
                inputs, outputs, kernel: kernel, padding: kernel / 2, bias: bias, initializer: initializer)
    }

    func dense(_ inputs: Int, _ outputs: Int) -> Layer {
        isSpectral
            ? SpectralLinear(inputs, outputs, initializer: Self.glorot)
            : Linear(inputs, outputs, initializer: Self.glorot)
    }

    /// Batch normalization of a generator.
    func norm(_ channels: Int) -> Module {
        conditions > 0
            ? ConditionalBatchNorm2d(channels, conditions: conditions) : BatchNorm2d(channels)
    }

    /// Batch normalization by `norm`, then ReLU.
    static func rectified(_ input: Tensor, _ norm: Module, _ condition: Tensor?) -> Tensor {
        if let plain = norm as? BatchNorm2d { return plain(input, slope: 0) }
        return (norm as! ConditionalBatchNorm2d)(input, condition!).relu()
    }
}

/// Twice the side: normalized ReLU, nearest pixels doubled, 3 x 3, normalized ReLU, 3 x 3; plus a 1 x 1 shortcut.
///
/// Input [N, in, H, W], output [N, out, 2 H, 2 W].
final class ResidualUpBlock: Layer {
    let norm1: Module
    let conv1: any WeightedConvolution
    let norm2: Module
    let conv2: any WeightedConvolution
    let shortcut: any WeightedConvolution

    init(_ inputs: Int, _ outputs: Int, _ style: ResidualStyle = .init()) {
        norm1 = style.norm(inputs)
        conv1 = style.convolution(inputs, outputs, kernel: 3, bias: false)
        norm2 = style.norm(outputs)
        conv2 = style.convolution(outputs, outputs, kernel: 3)
        shortcut = style.convolution(inputs, outputs, kernel: 1, ResidualStyle.glorot)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { self(input, nil) }

    /// - Parameter condition: [N, conditions], where the block has them.
    func callAsFunction(_ input: Tensor, _ condition: Tensor?) -> Tensor {
        let first = conv1.ofDoubled(ResidualStyle.rectified(input, norm1, condition))
        let result = conv2(ResidualStyle.rectified(first, norm2, condition))
        // A 1 x 1 convolution and the doubling of pixels commute; this way it sees a quarter of them.
        let short = shortcut(input).upsampledNearest(height: result.shape[2], width: result.shape[3])
        return result + short
    }
}

/// Half the side: ReLU, 3 x 3, ReLU, 3 x 3, means of 2 x 2; plus a 1 x 1 shortcut. Normalized before each ReLU, or not.
///
/// Input [N, in, H, W], output [N, out, H / 2, W / 2].
final class ResidualDownBlock: Layer {
    let norm1: GroupNorm?
    let conv1: any WeightedConvolution
    let norm2: GroupNorm?
    let conv2: any WeightedConvolution
    let shortcut: any WeightedConvolution

    init(_ inputs: Int, _ outputs: Int, _ style: ResidualStyle) {
        let isNormal = style.normalization == .layer
        // Statistics of a whole picture, scale and shift of each channel: one group.
        norm1 = isNormal ? GroupNorm(1, inputs) : nil
        // A shift follows from the normalization, if there is one.
        conv1 = style.convolution(inputs, inputs, kernel: 3, bias: !isNormal)
        norm2 = isNormal ? GroupNorm(1, inputs) : nil
        conv2 = style.convolution(inputs, outputs, kernel: 3)
        shortcut = style.convolution(inputs, outputs, kernel: 1, ResidualStyle.glorot)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        // Rectified, because a penalty differentiates a critic's gradients.
        let first = conv1((norm1.map { $0(input) } ?? input).rectified())
        let second = conv2.thenHalved((norm2.map { $0(first) } ?? first).rectified())
        // The 1 x 1 convolution commutes with the means, too.
        return second + shortcut(input.averagePool2d(2, stride: 2))
    }
}
