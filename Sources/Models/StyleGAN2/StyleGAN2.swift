import Settings
import Torch
import TorchNN

/// Size of a StyleGAN2 (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv:1912.04958).
///
/// Parameters have the names and shapes of the authors' PyTorch code.
public struct StyleGAN2Settings: NetworkFamily {
    /// Name in recipes.
    public static let name = "stylegan2"

    /// Connection between the blocks of a network and the colors (figure 7 of the paper).
    public enum Architecture: String, Sendable, CaseIterable {
        /// Colors only at the full resolution.
        case plain
        /// Colors at every resolution. The generator adds them, the discriminator reads them.
        case skip
        /// Colors only at the full resolution, and a 1 x 1 shortcut around each block.
        case residual
    }

    /// Channels at side S are channelBase / S, at most `maxFilters`.
    public var channelBase = 16384
    /// Upper limit of the channels.
    public var maxFilters = 512
    /// Number of values of w, and of the embedded labels of the discriminator.
    public var wSize = 512
    /// Layers of the mapping network; for a discriminator, of the mapping of the labels.
    public var mappingLayers = 8
    /// Factor of the learning rate of the mapping network.
    public var mappingLearningRate = 0.01
    /// Architecture of the generator.
    public var generatorArchitecture = Architecture.skip
    /// Architecture of the discriminator.
    public var discriminatorArchitecture = Architecture.residual
    /// Probability of style mixing in training.
    public var styleMixing = 0.9
    /// Weight of the previous value in the moving average of w.
    public var averageDecay = 0.998
    /// Limit of the absolute value of feature maps; 0 for none. Networks that were trained in float16 have 256.
    public var clamp = 0.0
    /// Group size of the minibatch standard deviation of the discriminator; 0 for none.
    public var deviationGroup = 4

    /// Creates settings with the default values.
    public init() {}

    /// Creates the generator, z [N, Z] and labels [N, K] to [N, 3, resolution, resolution], with uninitialized weights.
    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        StyleGAN2Generator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    /// Creates the discriminator, [N, 3, resolution, resolution] to [N], with uninitialized weights.
    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        StyleGAN2Discriminator(self, resolution: resolution, conditions: conditions)
    }

    private mutating func sizeFields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "channelBase", &channelBase, in: 64...1_048_576,
            "Channels at side S are channelBase / S, at most maxFilters.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels.")
        try v.integer(
            "wSize", &wSize, in: 1...8192,
            "Number of values of w; in a conditional discriminator, of the embedded labels.")
        try v.integer(
            "mappingLayers", &mappingLayers, in: 1...32,
            "Layers of the mapping network; in a conditional discriminator, of the mapping of the labels.")
        try v.number(
            "mappingLearningRate", &mappingLearningRate, in: 1e-6...1,
            "Factor of the learning rate of the mapping network.")
        try v.number(
            "clamp", &clamp, in: 0...1e6,
            "Limit of the absolute value of feature maps; 256 in networks that were trained in float16; 0: none."
        )
    }

    private mutating func groupField(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "deviationGroup", &deviationGroup, in: 0...64,
            "Group size of the minibatch standard deviation; 0: none.")
    }

    /// Visits the fields of the generator.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func generatorFields(_ v: inout some FieldVisitor) throws {
        try sizeFields(&v)
        try v.choice(
            "architecture", &generatorArchitecture,
            "Colors at every resolution (skip), or at the last one with (residual) or without (plain) shortcuts."
        )
        try v.number(
            "styleMixing", &styleMixing, in: 0...1,
            "Probability that the layers of a batch use the w of two latents.")
        try v.number(
            "averageDecay", &averageDecay, in: 0...0.999999,
            "Weight of the previous value in the moving average of w, the center of truncation.")
    }

    /// Visits the fields of the discriminator.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func discriminatorFields(_ v: inout some FieldVisitor) throws {
        try sizeFields(&v)
        try v.choice(
            "architecture", &discriminatorArchitecture,
            "Colors at every resolution (skip), or at the first one with (residual) or without (plain) shortcuts."
        )
        try groupField(&v)
    }

    /// Visits the fields of the generator and the group size of the discriminator.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try generatorFields(&v)
        try groupField(&v)
    }

    /// `clamp`; nil for none.
    var limit: Double? { clamp > 0 ? clamp : nil }

    /// Channels of feature maps of a side.
    func channels(_ side: Int) -> Int { max(1, min(channelBase / side, maxFilters)) }

    /// Sides from 4 to the resolution.
    static func sides(_ resolution: Int) -> [Int] {
        require(
            resolution >= 8 && resolution.nonzeroBitCount == 1,
            "StyleGAN2: expected a resolution that is a power of two from 8, got \(resolution)")
        return (2...resolution.trailingZeroBitCount).map { 1 << $0 }
    }
}

/// Mapping network: z and the embedded labels to w (Karras et al. 2019, section 2).
///
/// Input z [N, Z] (nil for Z = 0) and labels [N, K], output [N, W].
public final class StyleMapping: Module {
    /// Embedding of the labels, [N, K] to [N, W]; nil for an unconditional network.
    public let embed: EqualizedLinear?
    /// Dense layers, each followed by a leaky ReLU.
    public let layers: [EqualizedLinear]
    /// Moving average of w over training, [W]; nil for the labels of a discriminator.
    public let averageW: Buffer?
    private let decay: Double

    /// Creates a mapping with uninitialized weights.
    /// - Parameters:
    ///   - zSize: number of values Z; 0 for a mapping of labels only.
    ///   - labels: number K of labels; 0 for none.
    ///   - settings: size of the network.
    ///   - hasAverage: whether the mapping keeps a moving average of w.
    init(zSize: Int, labels: Int, _ settings: StyleGAN2Settings, hasAverage: Bool) {
        let width = settings.wSize
        embed = labels > 0 ? EqualizedLinear(labels, width, gain: 1) : nil
        layers = (0..<settings.mappingLayers).map { index in
            EqualizedLinear(
                index == 0 ? zSize + (labels > 0 ? width : 0) : width, width, gain: 1,
                learningRateMultiplier: settings.mappingLearningRate)
        }
        averageW = hasAverage ? Buffer(Tensor.zeros([width])) : nil
        decay = settings.averageDecay
    }

    /// The parts with the names of the authors' code: `embed`, `fc0`, `fc1`, ..., `w_avg`.
    public override var parts: [(key: String, part: Part)] {
        (embed.map { [("embed", .module($0))] } ?? [])
            + layers.enumerated().map { ("fc\($0)", .module($1)) }
            + (averageW.map { [("w_avg", .buffer($0))] } ?? [])
    }

    /// Maps z [N, Z] and labels [N, K] to w [N, W], in float32.
    /// - Parameters:
    ///   - z: latent vectors; nil for a mapping of labels only.
    ///   - labels: labels; nil for an unconditional network.
    ///   - updatesAverage: whether the moving average of w is updated in training mode.
    func callAsFunction(_ z: Tensor?, labels: Tensor?, updatesAverage: Bool = true) -> Tensor {
        require(
            (embed == nil) == (labels == nil),
            "StyleGAN2: expected \(embed == nil ? "no labels" : "labels"), got \(labels?.summary ?? "none")")
        let input = [z.map(Self.normalized)] + [labels.map { Self.normalized(embed!($0)) }]
        let known = input.compactMap { $0 }
        var w = known.count == 1 ? known[0] : Tensor.concatenated(known, 1)
        for layer in layers { w = layer(w).leakyReLU(0.2) * StyleActivation.gain }
        if isTraining, updatesAverage, let averageW {
            withoutGradients { averageW.value.lerp_(w.detached().mean([0]), weight: 1 - decay) }
        }
        return w
    }

    /// Vectors [N, C] with a mean square of 1.
    private static func normalized(_ vectors: Tensor) -> Tensor {
        vectors * (vectors.square().mean([1], keep: true) + 1e-8).rsqrt()
    }
}
