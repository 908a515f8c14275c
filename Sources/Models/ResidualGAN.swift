import Settings
import Torch
import TorchNN

/// Size of a residual network in the shape of Gulrajani et al. 2017 (arXiv:1704.00028), as their code has it for 64 x 64;
/// with spectral norms and attention in that of Zhang et al. 2019.
public struct ResidualSettings: NetworkFamily {
    public static let name = "residual"
    public static let keepsMaps = true

    /// What precedes the ReLUs of a critic; batch normalization would make a penalty on single pictures meaningless.
    public enum Normalization: String, Sendable, CaseIterable {
        /// Nothing: the penalty alone holds the scales.
        case none
        /// Over all values of a picture, with a scale and a shift for each channel, as the authors' code has it.
        case layer
    }

    /// How a critic's last 4 x 4 maps become a logit.
    public enum Pooling: String, Sendable, CaseIterable {
        /// Dense over all values, as in Gulrajani's.
        case flat
        /// Dense over the sums of rectified maps, as in Miyato's and Zhang's.
        case sum
    }

    /// Channels of the widest pictures; each halving of the resolution doubles them.
    public var filters = 64
    /// Channels are never more than this.
    public var maxFilters = 512
    /// Only of the critic; the generator always has batch normalization.
    public var normalization = Normalization.none
    /// Only of the critic.
    public var pooling = Pooling.flat
    /// Whether every weight is divided by its largest singular value (Miyato et al. 2018).
    public var spectralNorm = false
    public var attention = AttentionSettings()

    public init() {}

    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        ResidualGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        ResidualCritic(self, resolution: resolution, conditions: conditions)
    }

    public func generatorAttention(resolution: Int) -> (side: Int, channels: Int?) {
        attention.place(among: generatorMaps(resolution))
    }

    public func discriminatorAttention(resolution: Int) -> (side: Int, channels: Int?) {
        attention.place(among: criticMaps(resolution))
    }

    /// The fields that both networks have.
    public mutating func generatorFields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...1024, "Channels next to the picture; doubled at each halving.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels.")
        try v.flag("spectralNorm", &spectralNorm, "Divide weights by their largest singular value.")
        try attention.fields(&v)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try generatorFields(&v)
        try v.choice(
            "normalization", &normalization, "Before each ReLU of the critic: none, or over a picture.")
        try v.choice("pooling", &pooling, "The critic's last maps: all values, or sums of rectified ones.")
    }

    /// Channels from the picture inwards: one for each halving down to 4 x 4.
    func widths(_ resolution: Int) -> [Int] {
        DCGANSettings.widths(resolution, filters: filters, maxFilters: maxFilters)
    }

    /// The maps that the generator's blocks leave, in their order.
    func generatorMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        widths(resolution).reversed().enumerated().map { (8 << $0, $1) }
    }

    /// The maps that the critic's blocks leave, in their order.
    func criticMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        let widths = widths(resolution)
        return (widths.dropFirst() + [widths.last!]).enumerated().map { (resolution >> ($0 + 1), $1) }
    }

    /// The attention of a network that leaves these maps; nil where it gets none.
    func attentionLayer(among maps: [(side: Int, channels: Int)]) -> SelfAttention2d? {
        maps.compactMap { attention.layer(for: $0, weights: spectralNorm ? .spectral : .plain) }.first
    }
}

/// Latents to pictures [N, 3, R, R]: dense to 4 x 4, then residual blocks that double the side. Labels
/// scale and shift the normalized maps.
public final class ResidualGenerator: Module, Generator {
    public let stem: Layer
    public let blocks: [Layer]
    /// After the block whose maps have its side.
    public let attention: SelfAttention2d?
    public let norm: BatchNorm2d
    public let output: any WeightedConvolution
    public let latentSpace: LatentSpace
    public let resolution: Int
    private let attentionSide: Int

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

    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        // [N, widest x 16] to [N, widest, 4, 4]
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

/// Pictures [N, 3, R, R] to logits [N]: residual blocks that halve the side down to 4 x 4, then dense.
public final class ResidualCritic: Module, Discriminator {
    public let input: any WeightedConvolution
    public let blocks: [Layer]
    /// After the block whose maps have its side.
    public let attention: SelfAttention2d?
    public let head: Layer
    public let labelHead: LabelHead?
    private let pooling: ResidualSettings.Pooling
    private let attentionSide: Int

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

    public var usesBatchStatistics: Bool { false }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        var maps: [Tensor] = []
        var features = input(images)
        for block in blocks {
            features = block.checkpointed(features)
            if let attention, features.shape[2] == attentionSide { features = attention(features) }
            maps.append(features)
        }
        // Logits have no bounds: with 8 bits of mantissa, the difference between real and fake would drown.
        return withAutocast(.float32, on: images.device) {
            let last = features.atLeastSingle()
            let pooled = pooling == .sum || labelHead != nil ? last.rectified().sum([2, 3]) : nil
            let logits = head(pooling == .sum ? pooled! : last.flattened(from: 1)).squeezed(1)
            return DiscriminatorOutput(
                logits: logits, maps: maps, head: labelHead, features: pooled, labels: labels)
        }
    }
}

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

// Resampling by 2 beside a 3 x 3 convolution is one of 4 x 4 with strides of 2, which has fast kernels of its own: for means
// over pairs, (y[2j] + y[2j+1]) / 2 with y[i] = sum w[k] x[i+k-1] is sum v[m] x[2j+m-1] with v[m] = (w[m-1] + w[m]) / 2.
extension WeightedConvolution {
    /// The means of 2 x 2 pixels of this 3 x 3 convolution's result: [N, in, H, W] to [N, out, H / 2, W / 2].
    func thenHalved(_ input: Tensor) -> Tensor {
        let (weight, bias) = effectiveWeights()
        return input.conv2d(weight: Self.spread(weight), bias: bias, stride: 2, padding: 1)
    }

    /// This 3 x 3 convolution of pictures whose pixels are doubled: [N, in, H, W] to [N, out, 2 H, 2 W].
    func ofDoubled(_ input: Tensor) -> Tensor {
        // The adjoint of the above: sums where that has means, the kernel turned round.
        let (weight, bias) = effectiveWeights()
        let turned = Self.spread(weight.flipped([2, 3])).transposed(0, 1) * 4
        return input.convTranspose2d(weight: turned, bias: bias, stride: 2, padding: 1)
    }

    /// [out, in, 3, 3] to [out, in, 4, 4]: means of 2 x 2 with zeros around.
    private static func spread(_ weight: Tensor) -> Tensor {
        weight.padded([1, 1, 1, 1]).averagePool2d(2, stride: 1)
    }
}
