import Settings
import Torch
import TorchNN

/// Super-resolution network SRResNet (Ledig et al. 2017, arXiv:1609.04802) without normalization, as in BasicSR.
///
/// Residual blocks at the input resolution, then upsampling by pixel shuffle. The result is added to the bilinearly
/// enlarged input. Pictures [N, 3, H, W] to [N, 3, scale H, scale W].
public final class ResidualEnlarger: Module, Restorer {
    let convFirst: Conv2d
    let body: [ResidualPair]
    let upconvs: [Conv2d]
    let convHr: Conv2d
    let convLast: Conv2d
    /// Upscaling factor.
    public let scale: Int

    /// Creates a network with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - scale: upscaling factor, 2, 4 or 8.
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

    /// nil: any side is accepted.
    public var inputSide: Int? { nil }
    /// Radius of the receptive field, in pixels of the input.
    public var reach: Int { 2 * body.count + 5 }

    /// Enlarges pictures [N, 3, H, W] in -1...1 to [N, 3, scale H, scale W].
    public func callAsFunction(_ images: Tensor) -> Tensor {
        var value = convFirst(images).leakyReLU(0.1)
        for block in body { value = block.checkpointed(value) }
        for layer in upconvs { value = layer(value).pixelShuffle(2).leakyReLU(0.1) }
        let detail = convLast(convHr(value).leakyReLU(0.1))
        return detail + images.upsampledBilinear(height: detail.shape[2], width: detail.shape[3])
    }
}

/// Residual block of two 3 x 3 convolutions. Input and output [N, width, H, W].
final class ResidualPair: Layer {
    let conv1: Conv2d
    let conv2: Conv2d

    init(_ width: Int) {
        conv1 = Conv2d(width, width, kernel: 3, padding: 1, initializer: .xavierNormal(gain: 0.1))
        conv2 = Conv2d(width, width, kernel: 3, padding: 1, initializer: .xavierNormal(gain: 0.1))
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { input + conv2(conv1(input).relu()) }
}

/// Super-resolution network of ESRGAN (Wang et al. 2018, arXiv:1809.00219): residual-in-residual dense blocks at the
/// input resolution, then nearest-neighbor upsampling.
///
/// Pictures [N, 3, H, W] to [N, 3, scale H, scale W].
public final class DenseEnlarger: Module, Restorer {
    let convFirst: Conv2d
    let body: [ResidualDenseTriple]
    let convBody: Conv2d
    let upconvs: [Conv2d]
    let convHr: Conv2d
    let convLast: Conv2d
    /// Upscaling factor.
    public let scale: Int

    /// Creates a network with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - scale: upscaling factor, 2, 4 or 8.
    public init(_ settings: EnlargerSettings = .init(), scale: Int = 4) {
        let width = settings.filters
        self.scale = scale
        func convolution(_ outputs: Int, from inputs: Int) -> Conv2d {
            Conv2d(inputs, outputs, kernel: 3, padding: 1, initializer: .heNormal(slope: 0.2))
        }
        convFirst = convolution(width, from: 3)
        body = (0..<settings.blocks).map { _ in ResidualDenseTriple(width, settings.growth) }
        convBody = convolution(width, from: width)
        upconvs = (0..<scale.trailingZeroBitCount).map { _ in convolution(width, from: width) }
        convHr = convolution(width, from: width)
        convLast = convolution(3, from: width)
    }

    /// nil: any side is accepted.
    public var inputSide: Int? { nil }
    /// Radius of the receptive field, in pixels of the input.
    public var reach: Int { 15 * body.count + 5 }

    /// Enlarges pictures [N, 3, H, W] in -1...1 to [N, 3, scale H, scale W].
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let first = convFirst(images)
        var value = first
        for block in body { value = block.checkpointed(value) }
        value = first + convBody(value)
        for layer in upconvs {
            let doubled = value.upsampledNearest(height: 2 * value.shape[2], width: 2 * value.shape[3])
            value = layer(doubled).leakyReLU(0.2)
        }
        return convLast(convHr(value).leakyReLU(0.2))
    }
}

/// Three dense blocks, whose result is added with weight 0.2. Input and output [N, width, H, W].
final class ResidualDenseTriple: Layer {
    let rdb1: DenseBlock
    let rdb2: DenseBlock
    let rdb3: DenseBlock

    init(_ width: Int, _ growth: Int) {
        rdb1 = DenseBlock(width, growth)
        rdb2 = DenseBlock(width, growth)
        rdb3 = DenseBlock(width, growth)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { rdb3(rdb2(rdb1(input))) * 0.2 + input }
}

/// Five 3 x 3 convolutions, each with the outputs of all previous ones as input. Input and output [N, width, H, W].
final class DenseBlock: Layer {
    let conv1: Conv2d
    let conv2: Conv2d
    let conv3: Conv2d
    let conv4: Conv2d
    let conv5: Conv2d

    init(_ width: Int, _ growth: Int) {
        func convolution(_ index: Int, _ outputs: Int) -> Conv2d {
            // A tenth of the He initializer, so that a deep stack is initially close to the identity.
            Conv2d(
                width + index * growth, outputs, kernel: 3, padding: 1,
                initializer: .xavierNormal(gain: 0.1 * 2.0.squareRoot()))
        }
        conv1 = convolution(0, growth)
        conv2 = convolution(1, growth)
        conv3 = convolution(2, growth)
        conv4 = convolution(3, growth)
        conv5 = convolution(4, width)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        var maps = [input]
        for layer in [conv1, conv2, conv3, conv4] {
            maps.append(layer(Tensor.concatenated(maps, 1)).leakyReLU(0.2))
        }
        return conv5(Tensor.concatenated(maps, 1)) * 0.2 + input
    }
}

/// Size of a super-resolution network.
public struct EnlargerSettings: SettingsGroup, Equatable {
    /// Channels of the inner maps.
    public var filters = 64
    /// Number of residual blocks at the input resolution.
    public var blocks = 16
    /// Channels that each layer of a dense block adds; only for `rrdb`.
    public var growth = 32

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("filters", &filters, in: 1...512, "Channels of the inner maps.")
        try v.integer("blocks", &blocks, in: 1...64, "Number of residual blocks at the input resolution.")
    }

    /// Visits the fields of networks with dense blocks.
    /// - Throws: errors of the visitor; throws no others.
    mutating func denseFields(_ v: inout some FieldVisitor) throws {
        try fields(&v)
        try v.integer("growth", &growth, in: 1...256, "Channels that each layer of a dense block adds.")
    }
}
