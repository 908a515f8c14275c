import Settings
import Torch
import TorchNN

/// Size of an autoencoder like the df model of DeepFaceLab: one encoder, one bottleneck, one decoder.
public struct FaceAutoencoderSettings: SettingsGroup, Equatable {
    /// Channels after the first halving; doubled at each later one.
    public var encoderFilters = 64
    /// Length of the latent vector of a face, and channels of the maps that follow it.
    public var bottleneck = 256
    /// Half the channels of the last decoder block; doubled at each earlier one.
    public var decoderFilters = 64
    /// Option u: the encoder output of a face is scaled to unit mean square.
    public var pixelNorm = false
    /// Option d: the last upsampling rearranges channels, so that all earlier layers work at half the side.
    public var halfSide = false
    /// Whether maps of the encoder are added to the decoder. The reconstruction is more accurate, but the latent
    /// vector alone no longer determines the picture.
    public var skips = false

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "encoderFilters", &encoderFilters, in: 1...512,
            "Channels after the first halving; doubled at each later one.")
        try v.integer("bottleneck", &bottleneck, in: 1...4096, "Length of the latent vector of a face.")
        try v.integer(
            "decoderFilters", &decoderFilters, in: 1...512, "Half the channels of the last decoder block.")
        try v.flag("pixelNorm", &pixelNorm, "Option u: scale the encoder output to unit mean square.")
        try v.flag(
            "halfSide", &halfSide,
            "Option d: compute all but the last layer at half the side, which is faster.")
        try v.flag(
            "skips", &skips,
            "Add encoder maps to the decoder. Pictures can then not be generated from latent vectors.")
    }
}

/// Face autoencoder with a narrow bottleneck: pictures [N, 3, side, side] in -1...1 to pictures of the same shape and
/// range.
///
/// In training it records mean and covariance of the latent vectors, from which `LatentDecoder` draws.
public final class FaceAutoencoder: Module, Restorer {
    let encoder: Sequential
    let dense1: Linear
    let dense2: Linear
    let widen: UpsampleBlock
    let blocks: [DecoderBlock]
    let shortcuts: [Conv2d]
    let output: [Conv2d]
    /// Mean of the latent vectors [bottleneck]: of all batches, or an exponential average over about a thousand
    /// batches.
    let codeMean: Buffer
    /// Covariance of the latent vectors, [bottleneck, bottleneck].
    let codeCovariance: Buffer
    /// Number of batches, [].
    let codeBatches: Buffer

    /// Side of the pictures, in pixels.
    public let resolution: Int
    private let settings: FaceAutoencoderSettings
    /// Side of the maps after the dense layers.
    private let innerSide: Int

    /// Minimum weight of a batch in the statistics.
    private static let minWeight = 0.001

    /// Creates an autoencoder with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - resolution: side of the pictures, a power of two from 32.
    public init(_ settings: FaceAutoencoderSettings = .init(), resolution: Int = 128) {
        require(
            resolution >= 32 && resolution.nonzeroBitCount == 1,
            "FaceAutoencoder: expected a resolution that is a power of two from 32, got \(resolution)")
        (self.settings, self.resolution) = (settings, resolution)
        let (e, d, bottleneck) = (settings.encoderFilters, settings.decoderFilters, settings.bottleneck)
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
        // No activation in between: the bottleneck is linear.
        dense1 = Linear(encoded, bottleneck, initializer: weights)
        dense2 = Linear(bottleneck, innerSide * innerSide * bottleneck, initializer: weights)
        widen = UpsampleBlock(bottleneck, bottleneck, weights)
        let steps = [bottleneck, 8 * d, 4 * d, 2 * d]
        let blocks = zip(steps, steps.dropFirst()).map { DecoderBlock($0, $1, weights) }
        self.blocks = blocks
        // The largest encoder map has side resolution / 2, the last decoder map this one.
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
        codeMean = Buffer(Tensor.zeros([bottleneck]))
        codeCovariance = Buffer(Tensor.zeros([bottleneck, bottleneck]))
        codeBatches = Buffer(Tensor.zeros([]))
    }

    /// Upscaling factor: 1.
    public var scale: Int { 1 }
    /// Accepted side of the input: `resolution`.
    public var inputSide: Int? { resolution }
    /// Radius of the receptive field: the whole picture.
    public var reach: Int { resolution }

    /// Length of a latent vector.
    public var latentSize: Int { settings.bottleneck }

    /// Whether the decoder needs only the latent vector: true without skip connections.
    public var decodesLatents: Bool { !settings.skips }

    /// Reconstructs pictures [N, 3, side, side] in -1...1. In training, updates the statistics of the latent vectors.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let (latents, maps) = encodeWithMaps(images)
        if isTraining { observe(latents.detached()) }
        return decode(latents, maps)
    }

    /// Latent vectors [N, latentSize] of pictures [N, 3, side, side] in -1...1.
    public func encode(_ images: Tensor) -> Tensor { encodeWithMaps(images).latents }

    /// Pictures [N, 3, side, side] in -1...1 of latent vectors [N, latentSize]. Requires `decodesLatents`.
    public func decode(_ latents: Tensor) -> Tensor {
        require(
            decodesLatents,
            "FaceAutoencoder: expected a network without skips, which decodes latent vectors alone")
        return decode(latents, [])
    }

    /// Latent vectors [N, latentSize] and the encoder maps, from the largest.
    private func encodeWithMaps(_ images: Tensor) -> (latents: Tensor, maps: [Tensor]) {
        var maps: [Tensor] = []
        // Inputs in 0...1, as in DeepFaceLab. Because of zero padding, the first bias cannot replace this shift.
        var value = images * 0.5 + 0.5
        for index in stride(from: 0, to: encoder.layers.count, by: 2) {
            value = encoder.layers[index + 1](encoder.layers[index](value))
            maps.append(value)
        }
        var flat = value.contiguous().flattened(from: 1)
        if settings.pixelNorm { flat = flat * (flat.square().mean([1], keep: true) + 1e-6).rsqrt() }
        return (dense1(flat), maps)
    }

    private func decode(_ latents: Tensor, _ maps: [Tensor]) -> Tensor {
        var value = dense2(latents).reshape([latents.shape[0], settings.bottleneck, innerSide, innerSide])
        value = widen(value.to(.channelsLast))
        for (index, block) in blocks.enumerated() {
            value = block.checkpointed(value)
            guard index < shortcuts.count else { continue }
            // The encoder map of this side.
            if let map = maps.first(where: { $0.shape[2] == value.shape[2] }) {
                value = value + shortcuts[index](map)
            }
        }
        let parts = output.map { $0(value) }
        // Each convolution computes one of 2 x 2 pixels: [N, 3, 4, h, w], in the order of `pixelShuffle`.
        let shape = value.shape
        let levels =
            parts.count == 1
            ? parts[0]
            : Tensor.stacked(parts, 2).reshape([shape[0], 12, shape[2], shape[3]]).pixelShuffle(2)
        return levels.sigmoid() * 2 - 1
    }

    /// Updates mean and covariance with the latent vectors of a batch, [N, latentSize].
    private func observe(_ latents: Tensor) {
        // Differences of similar values lose all digits in half precision.
        let latents = latents.to(.float32)
        withAutocast(.float32, on: latents.device) { updateStatistics(latents) }
    }

    private func updateStatistics(_ latents: Tensor) {
        withoutGradients {
            codeBatches.value.add_(Tensor.ones(like: codeBatches.value))
            // On the device, so that a step does not wait for the host.
            let weight = codeBatches.value.pow(-1).clampedBelow(Self.minWeight).to(.float32)
            let shift = latents.mean([0]) - codeMean.value
            let centered = latents - latents.mean([0])
            let spread = centered.transposed(0, 1).matmul(centered) / Double(latents.shape[0])
            let between = shift.unsqueezed(1).matmul(shift.unsqueezed(0)) * (1 - weight)
            codeMean.value.add_(shift * weight)
            codeCovariance.value.copy_(codeCovariance.value.lerp(spread + between, weight: weight))
        }
    }
}

/// Upsampling by 2: 3 x 3 convolution to four times the channels, leaky ReLU, pixel shuffle. [N, in, H, W] to
/// [N, out, 2 H, 2 W].
final class UpsampleBlock: Layer {
    let conv: Conv2d

    init(_ inputs: Int, _ outputs: Int, _ weights: Initializer) {
        conv = Conv2d(inputs, 4 * outputs, kernel: 3, padding: 1, initializer: weights)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { conv(input).leakyReLU(0.1).pixelShuffle(2) }
}

/// Upsampling by 2, then a residual pair of 3 x 3 convolutions. [N, in, H, W] to [N, out, 2 H, 2 W].
final class DecoderBlock: Layer {
    let enlarge: UpsampleBlock
    let conv1: Conv2d
    let conv2: Conv2d

    init(_ inputs: Int, _ outputs: Int, _ weights: Initializer) {
        enlarge = UpsampleBlock(inputs, outputs, weights)
        conv1 = Conv2d(outputs, outputs, kernel: 3, padding: 1, initializer: weights)
        conv2 = Conv2d(outputs, outputs, kernel: 3, padding: 1, initializer: weights)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        let value = enlarge(input)
        return (conv2(conv1(value).leakyReLU(0.2)) + value).leakyReLU(0.2)
    }
}

/// Decoder of an autoencoder as a generator.
///
/// Maps z ~ N(0, I) to a normal distribution with mean and covariance of the latent vectors of the training faces,
/// then decodes.
public final class LatentDecoder: Module, Generator {
    let autoencoder: FaceAutoencoder
    /// Size and distribution of z.
    public let latentSpace: LatentSpace
    /// Principal directions in rows, each scaled by its standard deviation: [latentSize, latentSize].
    private let directions: Tensor

    /// Creates a generator from a trained autoencoder with `decodesLatents`.
    public init(_ autoencoder: FaceAutoencoder) {
        self.autoencoder = autoencoder
        latentSpace = LatentSpace(size: autoencoder.latentSize)
        directions = withoutGradients {
            let (values, vectors) = autoencoder.codeCovariance.value.to(.cpu).symmetricEigen()
            return (vectors * values.clampedBelow(0).sqrt()).transposed(0, 1).contiguous()
        }
    }

    /// Side of the pictures, in pixels.
    public var resolution: Int { autoencoder.resolution }

    /// Generates pictures [N, 3, side, side] in -1...1 from z [N, latentSize]. Ignores labels and noise.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        let z = latents.z
        return autoencoder.decode(z.matmul(directions.to(z.device)) + autoencoder.codeMean.value)
    }
}
