import Torch
import TorchNN

/// ESRGAN's generator (Wang et al. 2018): residual-in-residual dense blocks at the small side, pixels doubled.
public final class DenseEnlarger: Module, Restorer {
    let convFirst: Conv2d
    let body: [ResidualDenseTriple]
    let convBody: Conv2d
    let upconvs: [Conv2d]
    let convHr: Conv2d
    let convLast: Conv2d
    public let scale: Int

    /// - Parameter scale: 2, 4 or 8.
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

    public var inputSide: Int? { nil }
    public var reach: Int { 15 * body.count + 5 }

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

/// Three dense blocks, a fifth of what they find added. Input and output [N, width, H, W].
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

/// Five 3 x 3 convolutions, each of which sees all before it. Input and output [N, width, H, W].
final class DenseBlock: Layer {
    let conv1: Conv2d
    let conv2: Conv2d
    let conv3: Conv2d
    let conv4: Conv2d
    let conv5: Conv2d

    init(_ width: Int, _ growth: Int) {
        func convolution(_ index: Int, _ outputs: Int) -> Conv2d {
            // A tenth of He's, so that a deep stack begins near the identity.
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
        var seen = [input]
        for layer in [conv1, conv2, conv3, conv4] {
            seen.append(layer(Tensor.concatenated(seen, 1)).leakyReLU(0.2))
        }
        return conv5(Tensor.concatenated(seen, 1)) * 0.2 + input
    }
}
