import Settings
import Torch
import TorchNN

/// Size of an autoencoder in the manner of DeepFaceLab's df, one encoder, one bottleneck, one decoder.
public struct FaceAutoencoderSettings: SettingsGroup, Equatable {
    /// Channels after the first halving; each later one doubles them.
    public var encoderFilters = 64
    /// Numbers that a face is pressed into, and channels behind them.
    public var bottleneck = 256
    /// Half the channels of the decoder's last block; each earlier one doubles them.
    public var decoderFilters = 64
    /// Option u: the encoder's numbers of a face are scaled to unit mean square.
    public var pixelNorm = false
    /// Option d: the last doubling is one of positions, so that all before it work at half the side.
    public var halfSide = false
    /// Maps of the encoder are added to the decoder's of the same side: truer pictures, but no longer by the bottleneck alone.
    public var skips = false

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "encoderFilters", &encoderFilters, in: 1...512, "Channels after the first halving; then doubled.")
        try v.integer("bottleneck", &bottleneck, in: 1...4096, "Numbers that a face is pressed into.")
        try v.integer(
            "decoderFilters", &decoderFilters, in: 1...512, "Half the channels of the decoder's last block.")
        try v.flag("pixelNorm", &pixelNorm, "Option u: the encoder's numbers scaled to unit mean square.")
        try v.flag("halfSide", &halfSide, "Option d: all but the last layer at half the side; faster.")
        try v.flag("skips", &skips, "Adds the encoder's maps to the decoder's: no faces from codes alone.")
    }
}

/// Faces through a narrow bottleneck and back, [N, 3, side, side] in -1...1 both.
///
/// While it learns, it keeps mean and covariance of the codes, so that codes can be drawn: see `CodeDecoder`.
public final class FaceAutoencoder: Module, Restorer {
    let encoder: Sequential
    let dense1: Linear
    let dense2: Linear
    let widen: Doubling
    let blocks: [DecoderBlock]
    let shortcuts: [Conv2d]
    let output: [Conv2d]
    /// Of the codes so far, [bottleneck]; of the last thousand batches, where there were more.
    let codeMean: Buffer
    /// [bottleneck, bottleneck].
    let codeCovariance: Buffer
    /// Batches so far, [].
    let codeBatches: Buffer

    public let resolution: Int
    private let settings: FaceAutoencoderSettings
    /// Side of the maps that leave the dense layers.
    private let innerSide: Int

    private static let leastMemory = 0.001

    /// - Parameter resolution: a power of two, 32 or more.
    public init(_ settings: FaceAutoencoderSettings = .init(), resolution: Int = 128) {
        require(
            resolution >= 32 && resolution.nonzeroBitCount == 1,
            "FaceAutoencoder: expected a resolution that is a power of two from 32, got \(resolution)")
        (self.settings, self.resolution) = (settings, resolution)
        let (e, d, code) = (settings.encoderFilters, settings.decoderFilters, settings.bottleneck)
        let weights = Initializer.xavierUniform()
        let widths = [3, e, 2 * e, 4 * e, 8 * e]
        encoder = Sequential(
            zip(widths, widths.dropFirst()).flatMap { inputs, outputs -> [Layer] in
                [
                    Conv2d(inputs, outputs, kernel: 5, stride: 2, padding: 2, initializer: weights),
                    Activation.leakyReLU(0.1),
                ]
            })
        innerSide = resolution / (settings.halfSide ? 32 : 16)
        let encoded = 8 * e * (resolution / 16) * (resolution / 16)
        // No activation between the two: a linear map through few numbers.
        dense1 = Linear(encoded, code, initializer: weights)
        dense2 = Linear(code, innerSide * innerSide * code, initializer: weights)
        widen = Doubling(code, code, weights)
        let steps = [code, 8 * d, 4 * d, 2 * d]
        let blocks = zip(steps, steps.dropFirst()).map { DecoderBlock($0, $1, weights) }
        self.blocks = blocks
        // The encoder's maps have sides from resolution / 2 down, the decoder's end at this one.
        let last = settings.halfSide ? resolution / 2 : resolution
        shortcuts =
            settings.skips
            ? blocks.indices.compactMap { index in
                let side = last >> (blocks.count - 1 - index)
                guard side < resolution else { return nil }
                let level = resolution.trailingZeroBitCount - side.trailingZeroBitCount
                return Conv2d(widths[level], steps[index + 1], kernel: 1, initializer: weights)
            } : []
        output = (0..<(settings.halfSide ? 4 : 1)).map { index in
            let kernel = index == 0 ? 1 : 3
            return Conv2d(2 * d, 3, kernel: kernel, padding: kernel / 2, initializer: weights)
        }
        codeMean = Buffer(Tensor.zeros([code]))
        codeCovariance = Buffer(Tensor.zeros([code, code]))
        codeBatches = Buffer(Tensor.zeros([]))
    }

    public var scale: Int { 1 }
    public var inputSide: Int? { resolution }
    public var reach: Int { resolution }

    /// Numbers of a code.
    public var codeSize: Int { settings.bottleneck }

    /// Whether a code is all that the decoder needs.
    public var decodesCodes: Bool { !settings.skips }

    public func callAsFunction(_ images: Tensor) -> Tensor {
        let (code, maps) = encode(images)
        if isTraining { observe(code.detached()) }
        return decode(code, maps)
    }

    /// Pictures to codes [N, codeSize].
    public func code(_ images: Tensor) -> Tensor { encode(images).code }

    /// Codes [N, codeSize] to pictures, where `decodesCodes`.
    public func decode(_ code: Tensor) -> Tensor {
        require(decodesCodes, "FaceAutoencoder: with skips, a code alone is no face")
        return decode(code, [])
    }

    /// The code, and the encoder's maps from the largest on.
    private func encode(_ images: Tensor) -> (code: Tensor, maps: [Tensor]) {
        var maps: [Tensor] = []
        // Levels lie in 0...1 there, which the first bias cannot make up for at the borders.
        var value = images * 0.5 + 0.5
        for index in stride(from: 0, to: encoder.layers.count, by: 2) {
            value = encoder.layers[index + 1](encoder.layers[index](value))
            maps.append(value)
        }
        var flat = value.contiguous().flattened(from: 1)
        if settings.pixelNorm { flat = flat * (flat.square().mean([1], keep: true) + 1e-6).rsqrt() }
        return (dense1(flat), maps)
    }

    private func decode(_ code: Tensor, _ maps: [Tensor]) -> Tensor {
        var value = dense2(code).reshape([code.shape[0], settings.bottleneck, innerSide, innerSide])
        value = widen(value.to(.channelsLast))
        for (index, block) in blocks.enumerated() {
            value = block.checkpointed(value)
            guard index < shortcuts.count else { continue }
            // Of all maps the one of this side.
            if let map = maps.first(where: { $0.shape[2] == value.shape[2] }) {
                value = value + shortcuts[index](map)
            }
        }
        let parts = output.map { $0(value) }
        // Each convolution makes one of four neighbors: [N, 3, 4, h, w] in the order of a shuffle.
        let shape = value.shape
        let levels =
            parts.count == 1
            ? parts[0]
            : Tensor.stacked(parts, 2).reshape([shape[0], 12, shape[2], shape[3]]).pixelShuffle(2)
        return levels.sigmoid() * 2 - 1
    }

    /// Takes the codes of a batch into mean and covariance.
    private func observe(_ code: Tensor) {
        // Differences of near numbers leave nothing in half precision.
        let code = code.to(.float32)
        withAutocast(.float32, on: code.device) { take(code) }
    }

    private func take(_ code: Tensor) {
        withoutGradients {
            codeBatches.value.add_(Tensor.ones(like: codeBatches.value))
            let share = max(1 / codeBatches.value.item(), Self.leastMemory)
            let shift = code.mean([0]) - codeMean.value
            let centered = code - code.mean([0])
            let spread = centered.transposed(0, 1).matmul(centered) / Double(code.shape[0])
            let between = shift.unsqueezed(1).matmul(shift.unsqueezed(0)) * (1 - share)
            codeMean.value.add_(shift, factor: share)
            codeCovariance.value.lerp_(spread + between, weight: share)
        }
    }
}

/// Twice the side by positions: 3 x 3 to four times the channels, leaky ReLU. [N, in, H, W] to [N, out, 2 H, 2 W].
final class Doubling: Layer {
    let conv: Conv2d

    init(_ inputs: Int, _ outputs: Int, _ weights: Initializer) {
        conv = Conv2d(inputs, 4 * outputs, kernel: 3, padding: 1, initializer: weights)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { conv(input).leakyReLU(0.1).pixelShuffle(2) }
}

/// Twice the side, then a residual pair of 3 x 3. [N, in, H, W] to [N, out, 2 H, 2 W].
final class DecoderBlock: Layer {
    let enlarge: Doubling
    let conv1: Conv2d
    let conv2: Conv2d

    init(_ inputs: Int, _ outputs: Int, _ weights: Initializer) {
        enlarge = Doubling(inputs, outputs, weights)
        conv1 = Conv2d(outputs, outputs, kernel: 3, padding: 1, initializer: weights)
        conv2 = Conv2d(outputs, outputs, kernel: 3, padding: 1, initializer: weights)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        let value = enlarge(input)
        return (conv2(conv1(value).leakyReLU(0.2)) + value).leakyReLU(0.2)
    }
}

/// The decoder of an autoencoder as a generator: z ~ N(0, I) is mapped to the distribution of the bottleneck over training
/// faces, a normal distribution with their mean and covariance.
public final class CodeDecoder: Module, Generator {
    let autoencoder: FaceAutoencoder
    public let latentSpace: LatentSpace
    // Principal directions in rows, each scaled by its standard deviation: [codeSize, codeSize].
    private let directions: Tensor

    /// - Parameter autoencoder: a trained one with `decodesCodes`.
    public init(_ autoencoder: FaceAutoencoder) {
        self.autoencoder = autoencoder
        latentSpace = LatentSpace(size: autoencoder.codeSize)
        directions = withoutGradients {
            let (values, vectors) = autoencoder.codeCovariance.value.to(.cpu).symmetricEigen()
            return (vectors * values.clampedBelow(0).sqrt()).transposed(0, 1).contiguous()
        }
    }

    public var resolution: Int { autoencoder.resolution }

    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        let z = latents.z
        return autoencoder.decode(z.matmul(directions.to(z.device)) + autoencoder.codeMean.value)
    }
}
