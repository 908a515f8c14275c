import Torch
import TorchNN

/// SRResNet (Ledig et al. 2017) without normalization, as BasicSR has it: residual blocks at the small side, doublings by
/// positions, and the whole on top of the picture enlarged bilinearly.
public final class ResidualEnlarger: Module, Restorer {
    let convFirst: Conv2d
    let body: [ResidualPair]
    let upconvs: [Conv2d]
    let convHr: Conv2d
    let convLast: Conv2d
    public let scale: Int

    /// - Parameter scale: 2, 4 or 8.
    public init(_ settings: EnlargerSettings = .init(), scale: Int = 4) {
        let width = settings.filters
        self.scale = scale
        convFirst = Conv2d(3, width, kernel: 3, padding: 1, initializer: .heNormal(slope: 0.1))
        body = (0..<settings.blocks).map { _ in ResidualPair(width) }
        upconvs = (0..<scale.trailingZeroBitCount).map { _ in
            Conv2d(width, 4 * width, kernel: 3, padding: 1, initializer: .heNormal(slope: 0.1))
        }
        convHr = Conv2d(width, width, kernel: 3, padding: 1, initializer: .heNormal(slope: 0.1))
        convLast = Conv2d(width, 3, kernel: 3, padding: 1, initializer: .xavierNormal(gain: 0.1))
    }

    public var inputSide: Int? { nil }
    public var reach: Int { 2 * body.count + 5 }

    public func callAsFunction(_ images: Tensor) -> Tensor {
        var value = convFirst(images).leakyReLU(0.1)
        for block in body { value = block.checkpointed(value) }
        for layer in upconvs { value = layer(value).pixelShuffle(2).leakyReLU(0.1) }
        let detail = convLast(convHr(value).leakyReLU(0.1))
        return detail + images.upsampledBilinear(height: detail.shape[2], width: detail.shape[3])
    }
}

/// Two 3 x 3 convolutions beside a shortcut. Input and output [N, width, H, W].
final class ResidualPair: Layer {
    let conv1: Conv2d
    let conv2: Conv2d

    init(_ width: Int) {
        conv1 = Conv2d(width, width, kernel: 3, padding: 1, initializer: .xavierNormal(gain: 0.1))
        conv2 = Conv2d(width, width, kernel: 3, padding: 1, initializer: .xavierNormal(gain: 0.1))
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { input + conv2(conv1(input).relu()) }
}
