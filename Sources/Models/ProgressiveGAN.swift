import Settings
import Torch
import TorchNN

/// Size of networks that grow (Karras et al. 2018, "Progressive Growing of GANs", arXiv:1710.10196).
public struct ProgressiveSettings: NetworkFamily {
    /// Name in recipes.
    public static let name = "progressive"
    /// True: the networks start at 4 x 4.
    public static let grows = true
    /// True: the critic returns feature maps.
    public static let keepsMaps = true

    /// Channels at side S are 2 channelBase / S, limited to 8...maxFilters. 8,192 gives 256 channels at side 64.
    public var channelBase = 8192
    /// Upper limit of the channels.
    public var maxFilters = 512
    /// Whether each pair of convolutions has a 1 x 1 shortcut.
    public var residual = false
    /// Self-attention of both networks.
    public var attention = AttentionSettings()
    /// Group size of the minibatch standard deviation of the critic; 0 for none.
    public var deviationGroup = 4

    /// Creates settings with the default values.
    public init() {}

    /// Creates the generator, [N, Z + K] to [N, 3, resolution, resolution], with uninitialized weights.
    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        ProgressiveGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    /// Creates the discriminator, [N, 3, resolution, resolution] to [N], with uninitialized weights.
    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        ProgressiveCritic(self, resolution: resolution, conditions: conditions)
    }

    /// Side of the generator maps with self-attention (0 for none) and their channels (nil if no block has such
    /// maps).
    public func generatorAttention(resolution: Int) -> (side: Int, channels: Int?) {
        attention.place(among: generatorMaps(resolution))
    }

    /// Side of the discriminator maps with self-attention (0 for none) and their channels (nil if no block has such
    /// maps).
    public func discriminatorAttention(resolution: Int) -> (side: Int, channels: Int?) {
        attention.place(among: criticMaps(resolution))
    }

    /// Visits the fields of both networks.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func generatorFields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "channelBase", &channelBase, in: 8...65536,
            "Channels at side S are 2 channelBase / S, between 8 and maxFilters.")
        try v.integer("maxFilters", &maxFilters, in: 8...8192, "Upper limit of the channels.")
        try v.flag("residual", &residual, "Add a 1 x 1 shortcut to each pair of convolutions.")
        try attention.fields(&v)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try generatorFields(&v)
        try v.integer(
            "deviationGroup", &deviationGroup, in: 0...64,
            "Group size of the minibatch standard deviation; 0: none.")
    }

    /// Sides from 4 to the resolution and their channels.
    func levels(_ resolution: Int) -> [(side: Int, channels: Int)] {
        require(
            resolution >= 4 && resolution.nonzeroBitCount == 1,
            "progressive networks: expected a resolution that is a power of two from 4, got \(resolution)")
        let count = resolution.trailingZeroBitCount - 1
        return (0..<count).map { (4 << $0, max(8, min(maxFilters, 2 * channelBase / (4 << $0)))) }
    }

    /// Side and channels of the maps of the generator blocks, in the order of the blocks.
    func generatorMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        Array(levels(resolution).dropFirst())
    }

    /// Side and channels of the maps of the critic blocks, from the smallest.
    func criticMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        Array(levels(resolution).dropLast())
    }
}

/// Generator that grows from 4 x 4 to the resolution (Karras et al. 2018). Latents [N, Z + K] to pictures
/// [N, 3, side, side].
///
/// The channels of every pixel are normalized after each convolution, and weights have an equalized learning rate.
/// Every level has its own layer from maps to colors. That layer remains while the next level fades in. There is no
/// tanh.
public final class ProgressiveGenerator: Module, Generator, Growing {
    /// Dense layer, [N, Z + K] to [N, 16 C] for 4 x 4 maps.
    public let stem: EqualizedLinear
    /// First convolution, at 4 x 4.
    public let first: EqualizedConv2d
    /// Blocks, one per doubling of the side.
    public let blocks: [ProgressiveUpBlock]
    /// Layers from maps to colors, one per side from 4.
    public let toRgb: [EqualizedConv2d]
    /// Size and distribution of z.
    public let latentSpace: LatentSpace
    /// Side R of the pictures, in pixels.
    public let resolution: Int
    /// Current side and fade-in weight.
    public var growth: Growth { didSet { fade = .number(growth.alpha) } }
    /// Weight of the newest layers.
    public var fade = Factor.number(1)
    private let norm = PixelNorm()

    /// Creates a generator with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - latentSpace: size Z and distribution of z.
    ///   - resolution: side R of the pictures, a power of two from 4.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    public init(
        _ settings: ProgressiveSettings = .init(), latentSpace: LatentSpace, resolution: Int = 64,
        labels: Int = 0
    ) {
        let levels = settings.levels(resolution)
        let channels = levels[0].channels
        // Gain of the authors' code for this layer.
        stem = EqualizedLinear(latentSpace.size + labels, channels * 16, gain: 2.0.squareRoot() / 4)
        first = EqualizedConv2d(channels, channels, kernel: 3, padding: 1)
        blocks = zip(levels, settings.generatorMaps(resolution)).map {
            ProgressiveUpBlock($0.channels, $1, settings)
        }
        toRgb = levels.map { EqualizedConv2d($0.channels, 3, kernel: 1, gain: 1) }
        (self.latentSpace, self.resolution, growth) = (latentSpace, resolution, Growth(side: resolution))
    }

    /// Generates pictures [N, 3, side, side] from z [N, Z] and labels [N, K]. Ignores the noise.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        // [N, 16 C] to [N, C, 4, 4]
        let start = stem(norm(latents.joined)).reshape([latents.count, -1, 4, 4])
        var features = norm(first(norm(start.leakyReLU(0.2))).leakyReLU(0.2))
        var previous: Tensor?
        let count = growth.side.trailingZeroBitCount - 2
        for block in blocks.prefix(count) {
            previous = features
            features = block.checkpointed(features)
        }
        let colors = toRgb[count](features)
        guard growth.alpha < 1, let previous else { return colors }
        // Upsampling the colors equals upsampling the maps, because a 1 x 1 convolution commutes with it, and is cheaper.
        return toRgb[count - 1](previous).upsampledNearest(height: growth.side, width: growth.side)
            .lerp(colors, weight: fade)
    }
}

/// Critic that grows with the generator (Karras et al. 2018). Pictures [N, 3, side, side] to logits [N].
public final class ProgressiveCritic: Module, Discriminator, Growing {
    /// Layers from colors to maps, one per side from 4.
    public let fromRgb: [EqualizedConv2d]
    /// Blocks, one per halving of the side; the last one is for the largest pictures.
    public let blocks: [ProgressiveDownBlock]
    /// Minibatch standard deviation; nil for none.
    public let deviation: MinibatchStandardDeviation?
    /// Last convolution, at 4 x 4.
    public let last: EqualizedConv2d
    /// Dense layer, [N, 16 C] to [N, C].
    public let dense: EqualizedLinear
    /// Output layer, [N, C] to [N, 1].
    public let head: EqualizedLinear
    /// Head for labels; nil for an unconditional discriminator.
    public let labelHead: LabelHead?
    /// Current side and fade-in weight.
    public var growth: Growth { didSet { fade = .number(growth.alpha) } }
    /// Weight of the newest layers.
    public var fade = Factor.number(1)

    /// Creates a critic with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - resolution: side R of the pictures, a power of two from 4.
    ///   - conditions: attributes and how they are used.
    public init(
        _ settings: ProgressiveSettings = .init(), resolution: Int = 64,
        conditions: ConditionSettings = .init()
    ) {
        let levels = settings.levels(resolution)
        let channels = levels[0].channels
        fromRgb = levels.map { EqualizedConv2d(3, $0.channels, kernel: 1) }
        blocks = zip(levels.dropFirst(), settings.criticMaps(resolution)).map {
            ProgressiveDownBlock($0.channels, $1, settings)
        }
        deviation =
            settings.deviationGroup > 0 ? MinibatchStandardDeviation(group: settings.deviationGroup) : nil
        last = EqualizedConv2d(
            channels + (deviation == nil ? 0 : 1), channels, kernel: 3, padding: 1)
        dense = EqualizedLinear(channels * 16, channels)
        head = EqualizedLinear(channels, 1, gain: 1)
        labelHead = LabelHead(channels, conditions)
        growth = Growth(side: resolution)
    }

    /// Whether the critic has a minibatch standard deviation, which makes a logit depend on its batch.
    public var usesBatchStatistics: Bool { deviation != nil }

    /// Computes logits [N] of pictures [N, 3, side, side] and labels [N, K].
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        require(
            images.shape[2] == growth.side,
            "ProgressiveCritic: expected pictures of side \(growth.side), got \(images.summary)")
        let count = growth.side.trailingZeroBitCount - 2
        var features = fromRgb[count](images).leakyReLU(0.2)
        var maps: [Tensor] = []
        for (index, block) in blocks.prefix(count).enumerated().reversed() {
            features = block.checkpointed(features)
            if index == count - 1, growth.alpha < 1 {
                let previous = fromRgb[index](images.averagePool2d(2, stride: 2)).leakyReLU(0.2)
                features = previous.lerp(features, weight: fade)
            }
            maps.append(features)
        }
        features = last(deviation.map { $0(features) } ?? features).leakyReLU(0.2)
        maps.append(features)
        // Logits are unbounded. bfloat16 would lose the difference between real and fake.
        return withAutocast(.float32, on: images.device) {
            let flat = dense(features.atLeastSingle().flattened(from: 1)).leakyReLU(0.2)
            let logits = head(flat).squeezed(1)
            return DiscriminatorOutput(
                logits: logits, maps: maps, head: labelHead, features: flat, labels: labels)
        }
    }
}

/// Block of the generator: nearest-neighbor upsampling and two 3 x 3 convolutions, each followed by leaky ReLU and
/// pixel normalization, and optional self-attention.
///
/// Input [N, in, H, W], output [N, out, 2 H, 2 W].
public final class ProgressiveUpBlock: Layer {
    /// First convolution, at the doubled side.
    public let conv1: EqualizedConv2d
    /// Second convolution.
    public let conv2: EqualizedConv2d
    /// 1 x 1 shortcut, [N, in, H, W] to [N, out, H, W]; nil for none.
    public let shortcut: EqualizedConv2d?
    /// Self-attention; nil for none.
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

    /// Applies the block: [N, in, H, W] to [N, out, 2 H, 2 W].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        var result = norm(conv1.ofDoubled(input).leakyReLU(0.2))
        result = norm(conv2(result).leakyReLU(0.2))
        if let shortcut {
            // The sum is normalized, because an unbounded shortcut would carry the drift of one block to all others.
            // Bilinear, because repeated pixels would be visible: no convolution follows before the colors.
            let residual = shortcut(input).upsampledBilinear(height: result.shape[2], width: result.shape[3])
            result = norm(result + residual)
        }
        return attention.map { norm($0(result)) } ?? result
    }
}

/// Block of the critic: two 3 x 3 convolutions with leaky ReLU. The result of the second is averaged over 2 x 2
/// before its activation, as in the fused layers of the authors' code.
///
/// Input [N, in, H, W], output [N, out, H / 2, W / 2].
public final class ProgressiveDownBlock: Layer {
    /// First convolution.
    public let conv1: EqualizedConv2d
    /// Second convolution, followed by averaging.
    public let conv2: EqualizedConv2d
    /// 1 x 1 shortcut, [N, in, H / 2, W / 2] to [N, out, H / 2, W / 2]; nil for none.
    public let shortcut: EqualizedConv2d?
    /// Self-attention; nil for none.
    public let attention: SelfAttention2d?

    init(_ inputs: Int, _ output: (side: Int, channels: Int), _ settings: ProgressiveSettings) {
        conv1 = EqualizedConv2d(inputs, inputs, kernel: 3, padding: 1)
        conv2 = EqualizedConv2d(inputs, output.channels, kernel: 3, padding: 1)
        shortcut =
            settings.residual
            ? EqualizedConv2d(inputs, output.channels, kernel: 1, bias: false, gain: 1) : nil
        attention = settings.attention.layer(for: output, weights: .equalized)
    }

    /// Applies the block: [N, in, H, W] to [N, out, H / 2, W / 2].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        var result = conv2.thenHalved(conv1(input).leakyReLU(0.2)).leakyReLU(0.2)
        if let shortcut {
            result = (result + shortcut(input.averagePool2d(2, stride: 2))) * 0.5.squareRoot()
        }
        return attention.map { $0(result) } ?? result
    }
}
