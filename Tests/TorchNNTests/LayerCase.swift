import Testing
import Torch
import TorchNN

/// A layer as PyTorch's golden has it.
struct LayerCase: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable () -> Layer

    init(_ name: String, _ make: @escaping @Sendable () -> Layer) { (self.name, self.make) = (name, make) }

    var testDescription: String { name }

    static let all: [LayerCase] = [
        .init("linear") { Linear(5, 7) },
        .init("linear-plain") { Linear(5, 7, bias: false) },
        .init("conv") { Conv2d(3, 6, kernel: 4, stride: 2, padding: 1) },
        .init("conv-groups") { Conv2d(4, 6, kernel: 3, padding: 1, groups: 2, bias: false) },
        .init("transposed") { ConvTranspose2d(5, 3, kernel: 4, stride: 2, padding: 1, bias: false) },
        .init("transposed-stem") { ConvTranspose2d(6, 4, kernel: 4) },
        .init("transposed-groups") {
            ConvTranspose2d(4, 6, kernel: 5, stride: 2, padding: 2, outputPadding: 1, groups: 2)
        },
        .init("layer-norm") { LayerNorm([6]) },
        .init("layer-norm-picture") { LayerNorm([3, 4, 4]) },
        .init("layer-norm-plain") { LayerNorm([6], affine: false, epsilon: 1e-3) },
        .init("instance-norm") { InstanceNorm2d(3) },
        .init("instance-norm-affine") { InstanceNorm2d(3, affine: true, epsilon: 1e-2) },
        .init("group-norm") { GroupNorm(2, 6) },
        .init("group-norm-plain") { GroupNorm(3, 6, affine: false) },
        .init("pixel-norm") { PixelNorm() },
        .init("pixel-norm-vector") { PixelNorm() },
        .init("upsample") { Upsample() },
        .init("upsample-bilinear") { Upsample(3, mode: .bilinear) },
        .init("downsample") { Downsample() },
        .init("reshape") { Reshape(2, 3, 2) },
        .init("relu") { Activation.relu() },
        .init("leaky-relu") { Activation.leakyReLU() },
        .init("tanh") { Activation.tanh() },
        .init("sigmoid") { Activation.sigmoid() },
        .init("silu") { Activation.silu() },
        .init("gelu") { Activation("gelu") { $0.gelu() } },
        .init("elu") { Activation("elu") { $0.elu(0.7) } },
        .init("softplus") { Activation("softplus") { $0.softplus() } },
        .init("relu6") { Activation.relu6() },
        .init("max-pool") { MaxPool2d(3, stride: 2, padding: 1) },
        .init("max-pool-remainder") { MaxPool2d(3, stride: 2, keepsRemainder: true) },
        .init("conv-rectangular") {
            RectangularConv2d(3, 6, kernel: (1, 5), stride: 2, padding: (0, 2))
        },
        .init("conv-square") {
            RectangularConv2d(3, 6, kernel: (3, 3), padding: (1, 1), bias: false)
        },
        .init("embedding") { Embedding(6, 4) },
    ]
}
