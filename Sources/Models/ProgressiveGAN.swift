import Settings
import Torch
import TorchNN

/// Size of networks that grow (Karras et al. 2018, "Progressive Growing of GANs", arXiv:1710.10196).
public struct ProgressiveSettings: NetworkFamily {
    public static let name = "progressive"
    public static let grows = true
    public static let keepsMaps = true

    /// Channels at a side S are 2 channelBase / S, from 8 to `maxFilters`: 8,192 gives 256 at 64.
    public var channelBase = 8192
    public var maxFilters = 512
    /// Whether a way of 1 x 1 leads around each pair of convolutions.
    public var residual = false
    public var attention = AttentionSettings()
    /// Pictures that the critic compares with each other; 0 for none.
    public var deviationGroup = 4

    public init() {}

    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        ProgressiveGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        ProgressiveCritic(self, resolution: resolution, conditions: conditions)
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
            "channelBase", &channelBase, in: 8...65536, "Channels at a side S are 2 channelBase / S.")
        try v.integer("maxFilters", &maxFilters, in: 8...8192, "Upper limit of the channels.")
        try v.flag("residual", &residual, "A way around each pair of convolutions.")
        try attention.fields(&v)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try generatorFields(&v)
        try v.integer(
            "deviationGroup", &deviationGroup, in: 0...64, "Pictures that the critic compares; 0: none.")
    }

    /// Sides from 4 to the resolution, each with its channels.
    func levels(_ resolution: Int) -> [(side: Int, channels: Int)] {
        require(
            resolution >= 4 && resolution.nonzeroBitCount == 1,
            "progressive networks: expected a resolution that is a power of two from 4, got \(resolution)")
        let count = resolution.trailingZeroBitCount - 1
        return (0..<count).map { (4 << $0, max(8, min(maxFilters, 2 * channelBase / (4 << $0)))) }
    }

    /// The maps that the generator's blocks leave, in their order.
    func generatorMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        Array(levels(resolution).dropFirst())
    }

    /// The maps that the critic's blocks leave, the smallest first.
    func criticMaps(_ resolution: Int) -> [(side: Int, channels: Int)] {
        Array(levels(resolution).dropLast())
    }
}

/// Latents to pictures [N, 3, side, side], through all smaller sides.
///
/// Every pixel's channels are normalized after each convolution; weights have an equalized rate. A level has layers of
/// its own towards colors, which stay when the next one fades in over them.
public final class ProgressiveGenerator: Module, Generator, Growing {
    /// To 4 x 4.
    public let stem: EqualizedLinear
    public let first: EqualizedConv2d
    /// One for each doubling.
    public let blocks: [ProgressiveUpBlock]
    /// One for each side, from 4 on.
    public let toRgb: [EqualizedConv2d]
    public let latentSpace: LatentSpace
    public let resolution: Int
    public var growth: Growth
    private let norm = PixelNorm()

    public init(
        _ settings: ProgressiveSettings = .init(), latentSpace: LatentSpace, resolution: Int = 64,
        labels: Int = 0
    ) {
        let levels = settings.levels(resolution)
        let widest = levels[0].channels
        // The authors' gain for a layer of few inputs.
        stem = EqualizedLinear(latentSpace.size + labels, widest * 16, gain: 2.0.squareRoot() / 4)
        first = EqualizedConv2d(widest, widest, kernel: 3, padding: 1)
        blocks = zip(levels, settings.generatorMaps(resolution)).map {
            ProgressiveUpBlock($0.channels, $1, settings)
        }
        toRgb = levels.map { EqualizedConv2d($0.channels, 3, kernel: 1, gain: 1) }
        (self.latentSpace, self.resolution, growth) = (latentSpace, resolution, Growth(side: resolution))
    }

    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        // [N, widest x 16] to [N, widest, 4, 4]
        let start = stem(norm(latents.joined)).reshape([latents.count, -1, 4, 4])
        var features = norm(first(norm(start.leakyReLU(0.2))).leakyReLU(0.2))
        var before: Tensor?
        let count = growth.side.trailingZeroBitCount - 2
        for block in blocks.prefix(count) {
            before = features
            features = block.checkpointed(features)
        }
        let own = toRgb[count](features)
        guard growth.alpha < 1, let before else { return own }
        // Colors of half the side are doubled rather than maps: a 1 x 1 convolution commutes with that.
        return toRgb[count - 1](before).upsampledNearest(height: growth.side, width: growth.side)
            .lerp(own, weight: growth.alpha)
    }
}

/// Pictures [N, 3, R, R] to logits [N], by way of all smaller sides.
public final class ProgressiveCritic: Module, Discriminator, Growing {
    /// One for each side, from 4 on.
    public let fromRgb: [EqualizedConv2d]
    /// One for each halving, the last for the largest pictures.
    public let blocks: [ProgressiveDownBlock]
    public let deviation: MinibatchStandardDeviation?
    public let last: EqualizedConv2d
    public let dense: EqualizedLinear
    public let head: EqualizedLinear
    public let labelHead: LabelHead?
    public var growth: Growth

    public init(
        _ settings: ProgressiveSettings = .init(), resolution: Int = 64,
        conditions: ConditionSettings = .init()
    ) {
        let levels = settings.levels(resolution)
        let widest = levels[0].channels
        fromRgb = levels.map { EqualizedConv2d(3, $0.channels, kernel: 1) }
        blocks = zip(levels.dropFirst(), settings.criticMaps(resolution)).map {
            ProgressiveDownBlock($0.channels, $1, settings)
        }
        deviation =
            settings.deviationGroup > 0 ? MinibatchStandardDeviation(group: settings.deviationGroup) : nil
        last = EqualizedConv2d(
            widest + (deviation == nil ? 0 : 1), widest, kernel: 3, padding: 1)
        dense = EqualizedLinear(widest * 16, widest)
        head = EqualizedLinear(widest, 1, gain: 1)
        labelHead = LabelHead(widest, conditions)
        growth = Growth(side: resolution)
    }

    /// The deviation belongs to real or to generated pictures.
    public var usesBatchStatistics: Bool { deviation != nil }

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
                let before = fromRgb[index](images.averagePool2d(2, stride: 2)).leakyReLU(0.2)
                features = before.lerp(features, weight: growth.alpha)
            }
            maps.append(features)
        }
        features = last(deviation.map { $0(features) } ?? features).leakyReLU(0.2)
        maps.append(features)
        // Logits have no bounds: with 8 bits of mantissa, the difference between real and fake would drown.
        return withAutocast(.float32, on: images.device) {
            let flat = dense(features.atLeastSingle().flattened(from: 1)).leakyReLU(0.2)
            let logits = head(flat).squeezed(1)
            return DiscriminatorOutput(
                logits: logits, maps: maps, head: labelHead, features: flat, labels: labels)
        }
    }
}

/// Twice the side: nearest pixels doubled and two 3 x 3 convolutions, each followed by LeakyReLU and pixel norm; attention
/// where it belongs. Input [N, in, H, W], output [N, out, 2 H, 2 W].
public final class ProgressiveUpBlock: Layer {
    public let conv1: EqualizedConv2d
    public let conv2: EqualizedConv2d
    /// The way around, [N, in, H, W] to [N, out, H, W].
    public let shortcut: EqualizedConv2d?
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

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        var result = norm(conv1.ofDoubled(input).leakyReLU(0.2))
        result = norm(conv2(result).leakyReLU(0.2))
        if let shortcut {
            // The sum is brought back to unit size, too: a way that nothing bounds carries one block's drift to all others.
            // No convolution follows on the way to colors, so doubled pixels would show.
            let way = shortcut(input).upsampledBilinear(height: result.shape[2], width: result.shape[3])
            result = norm(result + way)
        }
        return attention.map { norm($0(result)) } ?? result
    }
}

/// Half the side: two 3 x 3 convolutions with LeakyReLU, the second's result averaged over 2 x 2 before it, as the authors'
/// fused layers have it. Input [N, in, H, W], output [N, out, H / 2, W / 2].
public final class ProgressiveDownBlock: Layer {
    public let conv1: EqualizedConv2d
    public let conv2: EqualizedConv2d
    /// The way around, [N, in, H / 2, W / 2] to [N, out, H / 2, W / 2].
    public let shortcut: EqualizedConv2d?
    public let attention: SelfAttention2d?

    init(_ inputs: Int, _ output: (side: Int, channels: Int), _ settings: ProgressiveSettings) {
        conv1 = EqualizedConv2d(inputs, inputs, kernel: 3, padding: 1)
        conv2 = EqualizedConv2d(inputs, output.channels, kernel: 3, padding: 1)
        shortcut =
            settings.residual
            ? EqualizedConv2d(inputs, output.channels, kernel: 1, bias: false, gain: 1) : nil
        attention = settings.attention.layer(for: output, weights: .equalized)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        var result = conv2.thenHalved(conv1(input).leakyReLU(0.2)).leakyReLU(0.2)
        if let shortcut {
            result = (result + shortcut(input.averagePool2d(2, stride: 2))) * 0.5.squareRoot()
        }
        return attention.map { $0(result) } ?? result
    }
}
