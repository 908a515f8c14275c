import Settings
import Torch
import TorchNN

/// Size of a residual network as in the code of Gulrajani et al. 2017 (arXiv:1704.00028) for 64 x 64. With spectral
/// normalization and attention, the network of Zhang et al. 2019 (arXiv:1805.08318).
public struct ResidualSettings: NetworkFamily {
    /// Name in recipes.
    public static let name = "residual"
    /// True: the critic returns feature maps.
    public static let keepsMaps = true

    /// Normalization before the ReLUs of a critic. Batch normalization would invalidate penalties on single pictures.
    public enum Normalization: String, Sendable, CaseIterable {
        /// No normalization; only the penalty limits the scale.
        case none
        /// Over all values of a picture, with a scale and a shift per channel, as in the authors' code.
        case layer
    }

    /// Reduction of the last 4 x 4 maps of a critic to a logit.
    public enum Pooling: String, Sendable, CaseIterable {
        /// Dense layer over all values (Gulrajani et al. 2017).
        case flat
        /// Dense layer over sums of rectified maps (Miyato et al. 2018; Zhang et al. 2019).
        case sum
    }

    /// Channels at the picture resolution. Each halving of the side doubles them.
    public var filters = 64
    /// Upper limit of the channels.
    public var maxFilters = 512
    /// Normalization of the critic. The generator always has batch normalization.
    public var normalization = Normalization.none
    /// Pooling of the critic.
    public var pooling = Pooling.flat
    /// Whether every weight is divided by its largest singular value (Miyato et al. 2018).
    public var spectralNorm = false
    /// Self-attention of both networks.
    public var attention = AttentionSettings()

    /// Creates settings with the default values.
    public init() {}

    /// Creates the generator, [N, Z + K] to [N, 3, resolution, resolution], with uninitialized weights.
    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        ResidualGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    /// Creates the discriminator, [N, 3, resolution, resolution] to [N], with uninitialized weights.
    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        ResidualCritic(self, resolution: resolution, conditions: conditions)
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
            "filters", &filters, in: 1...1024,
            "Channels at the picture resolution; doubled at each halving of the side.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels.")
        try v.flag("spectralNorm", &spectralNorm, "Divide every weight by its largest singular value.")
        try attention.fields(&v)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try generatorFields(&v)
        try v.choice(
            "normalization", &normalization,
            "Normalization before each ReLU of the critic: none, or over each picture.")
        try v.choice(
            "pooling", &pooling,
            "Input of the last layer of the critic: all values, or sums of rectified maps.")
    }

    /// Channels per level, from the picture to 4 x 4: one value per halving.
    func widths(_ resolution: Int) -> [Int] {
        DCGANSettings.widths(resolution, filters: filters, maxFilters: maxFilters)
    }

    /// Side and channels of the maps of the generator blocks, in the order of the blocks.
    func generatorMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        widths(resolution).reversed().enumerated().map { (8 << $0, $1) }
    }

    /// Side and channels of the maps of the critic blocks, in the order of the blocks.
    func criticMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        let widths = widths(resolution)
        return (widths.dropFirst() + [widths.last!]).enumerated().map { (resolution >> ($0 + 1), $1) }
    }

    /// Self-attention for the first of these maps that has the requested side; nil for none.
    func attentionLayer(among maps: [(side: Int, channels: Int)]) -> SelfAttention2d? {
        maps.compactMap { attention.layer(for: $0, weights: spectralNorm ? .spectral : .plain) }.first
    }
}

/// Residual generator: a dense layer to 4 x 4, then residual blocks that double the side. Labels scale and shift the
/// normalized maps.
///
/// Input z [N, Z] and labels [N, K], output [N, 3, R, R] in -1...1.
public final class ResidualGenerator: Module, Generator {
    /// Dense layer, [N, Z] to [N, 16 C] for 4 x 4 maps.
    public let stem: Layer
    /// Residual blocks, one per doubling of the side.
    public let blocks: [Layer]
    /// Self-attention after the block with its side; nil for none.
    public let attention: SelfAttention2d?
    /// Last batch normalization.
    public let norm: BatchNorm2d
    /// Output convolution, [N, C, R, R] to [N, 3, R, R].
    public let output: any WeightedConvolution
    /// Size and distribution of z.
    public let latentSpace: LatentSpace
    /// Side R of the pictures, in pixels.
    public let resolution: Int
    private let attentionSide: Int

    /// Creates a generator with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - latentSpace: size Z and distribution of z.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    public init(
        _ settings: ResidualSettings = .init(), latentSpace: LatentSpace, resolution: Int = 64,
        labels: Int = 0
    ) {
        let maps = settings.generatorMaps(resolution)
        let widths = maps.map(\.channels)
        let style = ResidualStyle(isSpectral: settings.spectralNorm, conditions: labels)
        stem = style.dense(latentSpace.size, widths[0] * 16)
        blocks = zip([widths[0]] + widths, widths).map { ResidualUpBlock($0, $1, style) }
        attention = settings.attentionLayer(among: maps)
        norm = BatchNorm2d(widths.last!)
        output = style.convolution(widths.last!, 3, kernel: 3)
        (self.latentSpace, self.resolution) = (latentSpace, resolution)
        attentionSide = settings.attention.side
    }

    /// Generates pictures [N, 3, R, R] in -1...1 from z [N, Z] and labels [N, K]. Ignores the noise.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        // [N, 16 C] to [N, C, 4, 4]
        var features = stem(latents.z).reshape([latents.count, -1, 4, 4])
        for block in blocks {
            features =
                latents.labels.map { (block as! ResidualUpBlock)(features, $0) }
                ?? block.checkpointed(features)
            if let attention, features.shape[2] == attentionSide { features = attention(features) }
        }
        let last = norm(features)
        last.relu_()
        return output(last).tanh()
    }
}

/// Residual critic: a convolution, residual blocks that halve the side down to 4 x 4, and a dense layer. Pictures
/// [N, 3, R, R] to logits [N].
public final class ResidualCritic: Module, Discriminator {
    /// First convolution, [N, 3, R, R] to [N, C, R, R].
    public let input: any WeightedConvolution
    /// Residual blocks, one per halving of the side.
    public let blocks: [Layer]
    /// Self-attention after the block with its side; nil for none.
    public let attention: SelfAttention2d?
    /// Output layer to [N, 1].
    public let head: Layer
    /// Head for labels; nil for an unconditional discriminator.
    public let labelHead: LabelHead?
    private let pooling: ResidualSettings.Pooling
    private let attentionSide: Int

    /// Creates a critic with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - conditions: attributes and how they are used.
    public init(
        _ settings: ResidualSettings = .init(), resolution: Int = 64, conditions: ConditionSettings = .init()
    ) {
        let widths = settings.widths(resolution)
        let style = ResidualStyle(
            isSpectral: settings.spectralNorm, normalization: settings.normalization)
        input = style.convolution(3, widths[0], kernel: 3, ResidualStyle.glorot)
        let maps = settings.criticMaps(resolution)
        blocks = zip(widths, maps).map { ResidualDownBlock($0, $1.channels, style) }
        attention = settings.attentionLayer(among: maps)
        head = style.dense(widths.last! * (settings.pooling == .flat ? 16 : 1), 1)
        labelHead = LabelHead(widths.last!, conditions, isSpectral: settings.spectralNorm)
        (pooling, attentionSide) = (settings.pooling, settings.attention.side)
    }

    /// False: a logit depends on its own picture only.
    public var usesBatchStatistics: Bool { false }

    /// Computes logits [N] of pictures [N, 3, R, R] and labels [N, K].
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        var maps: [Tensor] = []
        var features = input(images)
        for block in blocks {
            features = block.checkpointed(features)
            if let attention, features.shape[2] == attentionSide { features = attention(features) }
            maps.append(features)
        }
        // Logits are unbounded. bfloat16 would lose the difference between real and fake.
        return withAutocast(.float32, on: images.device) {
            let last = features.atLeastSingle()
            let pooled = pooling == .sum || labelHead != nil ? last.rectified().sum([2, 3]) : nil
            let logits = head(pooling == .sum ? pooled! : last.flattened(from: 1)).squeezed(1)
            return DiscriminatorOutput(
                logits: logits, maps: maps, head: labelHead, features: pooled, labels: labels)
        }
    }
}

/// Layer types and initializers of a residual network.
struct ResidualStyle {
    /// Whether weights have spectral normalization.
    var isSpectral = false
    /// Length of the conditioning vector of batch normalization; 0 for none.
    var conditions = 0
    /// Normalization before the ReLUs of a critic.
    var normalization = ResidualSettings.Normalization.none

    /// Initializer before a ReLU, as in the authors' code: variance 4 / (fanIn + fanOut).
    static let he = Initializer.xavierUniform(gain: 2.0.squareRoot())
    /// Initializer where no ReLU follows: variance 2 / (fanIn + fanOut).
    static let glorot = Initializer.xavierUniform()

    /// Convolution that preserves the side.
    func convolution(
        _ inputs: Int, _ outputs: Int, kernel: Int, bias: Bool = true, _ initializer: Initializer = Self.he
    ) -> any WeightedConvolution {
        isSpectral
            ? SpectralConv2d(
                inputs, outputs, kernel: kernel, padding: kernel / 2, bias: bias, initializer: initializer)
            : Conv2d(
                inputs, outputs, kernel: kernel, padding: kernel / 2, bias: bias, initializer: initializer)
    }

    /// Dense layer with the Glorot initializer.
    func dense(_ inputs: Int, _ outputs: Int) -> Layer {
        isSpectral
            ? SpectralLinear(inputs, outputs, initializer: Self.glorot)
            : Linear(inputs, outputs, initializer: Self.glorot)
    }

    /// Batch normalization of the generator, conditional if there are conditions.
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

/// Residual block of the generator: normalization, ReLU, nearest-neighbor upsampling, 3 x 3 convolution,
/// normalization, ReLU, 3 x 3 convolution, plus a 1 x 1 shortcut.
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

    /// Applies the block: [N, in, H, W] to [N, out, 2 H, 2 W].
    /// - Parameter condition: [N, conditions]; nil for an unconditional block.
    func callAsFunction(_ input: Tensor, _ condition: Tensor?) -> Tensor {
        let first = conv1.ofDoubled(ResidualStyle.rectified(input, norm1, condition))
        let result = conv2(ResidualStyle.rectified(first, norm2, condition))
        // A 1 x 1 convolution commutes with upsampling. Before it, there are a quarter of the pixels.
        let short = shortcut(input).upsampledNearest(height: result.shape[2], width: result.shape[3])
        return result + short
    }
}

/// Residual block of the critic: optional normalization, ReLU, 3 x 3 convolution, optional normalization, ReLU, 3 x 3
/// convolution, 2 x 2 average pooling, plus a 1 x 1 shortcut.
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
        // Layer normalization: one group, with a scale and a shift per channel.
        norm1 = isNormal ? GroupNorm(1, inputs) : nil
        // The shift of a following normalization replaces the bias.
        conv1 = style.convolution(inputs, inputs, kernel: 3, bias: !isNormal)
        norm2 = isNormal ? GroupNorm(1, inputs) : nil
        conv2 = style.convolution(inputs, outputs, kernel: 3)
        shortcut = style.convolution(inputs, outputs, kernel: 1, ResidualStyle.glorot)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor {
        // `rectified` has the second derivatives that penalties need.
        let first = conv1((norm1.map { $0(input) } ?? input).rectified())
        let second = conv2.thenHalved((norm2.map { $0(first) } ?? first).rectified())
        // The 1 x 1 convolution commutes with average pooling.
        return second + shortcut(input.averagePool2d(2, stride: 2))
    }
}

// Resampling by 2 next to a 3 x 3 convolution equals one 4 x 4 convolution with stride 2, which has fast kernels. For averages
// of pairs, (y[2j] + y[2j+1]) / 2 with y[i] = sum w[k] x[i+k-1] is sum v[m] x[2j+m-1] with v[m] = (w[m-1] + w[m]) / 2.
extension WeightedConvolution {
    /// This 3 x 3 convolution followed by 2 x 2 average pooling: [N, in, H, W] to [N, out, H / 2, W / 2].
    func thenHalved(_ input: Tensor) -> Tensor {
        let (weight, bias) = effectiveWeights()
        return input.conv2d(weight: Self.spread(weight), bias: bias, stride: 2, padding: 1)
    }

    /// This 3 x 3 convolution after nearest-neighbor upsampling: [N, in, H, W] to [N, out, 2 H, 2 W].
    func ofDoubled(_ input: Tensor) -> Tensor {
        // Adjoint of `thenHalved`, with sums instead of averages and a flipped kernel.
        let (weight, bias) = effectiveWeights()
        let flipped = Self.spread(weight.flipped([2, 3])).transposed(0, 1) * 4
        return input.convTranspose2d(weight: flipped, bias: bias, stride: 2, padding: 1)
    }

    /// Kernel [out, in, 3, 3] to [out, in, 4, 4]: 2 x 2 averages with zero padding.
    private static func spread(_ weight: Tensor) -> Tensor {
        weight.padded([1, 1, 1, 1]).averagePool2d(2, stride: 1)
    }
}
