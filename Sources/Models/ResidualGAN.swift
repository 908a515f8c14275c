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
