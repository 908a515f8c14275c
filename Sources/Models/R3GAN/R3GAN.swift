import Settings
import Torch
import TorchNN

/// Size of an R3GAN (Huang, Gokaslan, Kuleshov and Tompkin 2024, "The GAN is dead; long live the GAN!",
/// arXiv:2501.05441).
///
/// Parameters have the names and shapes of the authors' PyTorch code, without its prefix `Model`.
public struct R3GANSettings: NetworkFamily {
    /// Name in recipes.
    public static let name = "r3gan"

    /// Channels at side S are channelBase / S, at most `maxFilters`.
    public var channelBase = 24576
    /// Upper limit of the channels.
    public var maxFilters = 768
    /// Residual blocks at each side.
    public var blocks = 2
    /// Factor of the channels inside a block.
    public var expansion = 2
    /// Channels of a group of the 3 x 3 convolutions.
    public var groupSize = 16

    /// Creates settings with the default values.
    public init() {}

    /// Creates the generator, z [N, Z] and labels [N, K] to [N, 3, resolution, resolution], with uninitialized weights.
    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        R3GANGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    /// Creates the discriminator, [N, 3, resolution, resolution] to [N], with uninitialized weights.
    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        R3GANDiscriminator(self, resolution: resolution, conditions: conditions)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "channelBase", &channelBase, in: 64...1_048_576,
            "Channels at side S are channelBase / S, at most maxFilters.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels.")
        try v.integer("blocks", &blocks, in: 1...16, "Residual blocks at each side.")
        try v.integer("expansion", &expansion, in: 1...8, "Factor of the channels inside a block.")
        try v.integer(
            "groupSize", &groupSize, in: 1...8192,
            "Channels of a group of the 3 x 3 convolutions; divides the channels inside every block.")
    }

    /// Channels of feature maps of a side.
    func channels(_ side: Int) -> Int { max(1, min(channelBase / side, maxFilters)) }

    /// `groupSize` divides the channels inside the blocks of every side.
    public func brokenRule(resolution: Int) -> (key: String, expected: String)? {
        if Self.sides(resolution).allSatisfy({ channels($0) * expansion % groupSize == 0 }) { return nil }
        return (
            "groupSize",
            "a number that divides the channels inside every block: expansion times the channels of every side"
        )
    }

    /// Sides from 4 to the resolution.
    static func sides(_ resolution: Int) -> [Int] {
        require(
            resolution >= 8 && resolution.nonzeroBitCount == 1,
            "R3GAN: expected a resolution that is a power of two from 8, got \(resolution)")
        return (2...resolution.trailingZeroBitCount).map { 1 << $0 }
    }

    /// Residual blocks of one side of a network.
    /// - Parameter resolution: side of the pictures, which determines the number of all blocks.
    func makeBlocks(side: Int, resolution: Int) -> [R3GANBlock] {
        let total = blocks * Self.sides(resolution).count
        return (0..<blocks).map { _ in
            R3GANBlock(channels(side), expansion: expansion, groupSize: groupSize, blocksOfNetwork: total)
        }
    }

    /// N(0, gain² / fanIn) (He et al. 2015).
    static func initializer(fanIn: Int, gain: Double = 1) -> Initializer {
        .normal(deviation: gain / Double(fanIn).squareRoot())
    }

    /// 1 x 1 convolution without bias and activation.
    static func pointwise(_ inputs: Int, _ outputs: Int) -> Conv2d {
        Conv2d(inputs, outputs, kernel: 1, bias: false, initializer: initializer(fanIn: inputs))
    }

    /// Dense layer without bias.
    static func dense(_ inputs: Int, _ outputs: Int) -> Linear {
        Linear(inputs, outputs, bias: false, initializer: initializer(fanIn: inputs))
    }
}

/// Residual block: 1 x 1 convolution to more channels, grouped 3 x 3 convolution, 1 x 1 convolution back, with bias and leaky
/// ReLU between them and no normalization.
///
/// Input and output [N, C, H, W]. The last convolution starts at 0, so the block starts as the identity (Zhang et al. 2019,
/// arXiv:1901.09321).
public final class R3GANBlock: Layer {
    /// Slope of the leaky ReLUs.
    static let slope = 0.2

    /// First convolution, [N, C, H, W] to [N, E C, H, W].
    public let expand: Conv2d
    /// Bias before the first leaky ReLU, [E C].
    public let bias1: Parameter
    /// Grouped convolution, [N, E C, H, W] to the same shape.
    public let grouped: Conv2d
    /// Bias before the second leaky ReLU, [E C].
    public let bias2: Parameter
    /// Last convolution, [N, E C, H, W] to [N, C, H, W].
    public let reduce: Conv2d

    /// Creates a block with uninitialized weights.
    /// - Parameters:
    ///   - channels: channels C of input and output.
    ///   - expansion: factor E of the channels inside the block.
    ///   - groupSize: channels of a group of the 3 x 3 convolution; divides E C.
    ///   - blocksOfNetwork: blocks L of the network. The weights are scaled by L^(-1/4), so that a step of the optimizer
    ///     changes the output of the network by the same amount for every L.
    public init(_ channels: Int, expansion: Int, groupSize: Int, blocksOfNetwork: Int) {
        let inner = channels * expansion
        // The first root preserves the variance behind a leaky ReLU.
        let gain =
            (2 / (1 + Self.slope * Self.slope)).squareRoot()
            / Double(blocksOfNetwork).squareRoot().squareRoot()
        func initializer(_ fanIn: Int) -> Initializer {
            R3GANSettings.initializer(fanIn: fanIn, gain: gain)
        }
        expand = Conv2d(channels, inner, kernel: 1, bias: false, initializer: initializer(channels))
        grouped = Conv2d(
            inner, inner, kernel: 3, padding: 1, groups: inner / groupSize, bias: false,
            initializer: initializer(groupSize * 9))
        reduce = Conv2d(inner, channels, kernel: 1, bias: false, initializer: .zeros)
        (bias1, bias2) = (Parameter(shape: [inner]), Parameter(shape: [inner]))
    }

    /// The parts with the names of the authors' code.
    public override var parts: [(key: String, part: Part)] {
        [
            ("LinearLayer1.Layer", .module(expand)), ("LinearLayer2.Layer", .module(grouped)),
            ("LinearLayer3.Layer", .module(reduce)), ("NonLinearity1.Bias", .parameter(bias1)),
            ("NonLinearity2.Bias", .parameter(bias2)),
        ]
    }

    /// Initializes the convolutions and sets the biases to 0.
    public override func initialize(_ random: RandomSource) {
        super.initialize(random)
        withoutGradients { for bias in [bias1, bias2] { bias.value.zero_() } }
    }

    /// Applies the block: [N, C, H, W] to [N, C, H, W].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let first = Self.activated(input, expand, bias1)
        return input + reduce(Self.activated(first, grouped, bias2))
    }

    /// Convolution, bias and leaky ReLU.
    private static func activated(_ input: Tensor, _ layer: Conv2d, _ bias: Parameter) -> Tensor {
        let maps = input.conv2d(
            weight: layer.weight.value, bias: bias.value, padding: layer.padding, groups: layer.groups)
        // The gradients of a convolution do not need its output.
        maps.leakyReLU_(slope)
        return maps
    }
}

/// Layers of one side of a network, in order: [N, ...] to [N, C, H, W].
public final class R3GANStage: Layer {
    /// The layers.
    public let layers: [Layer]

    init(_ layers: [Layer]) { self.layers = layers }

    /// The layers with the names of the authors' code: `Layers.0`, ...
    public override var parts: [(key: String, part: Part)] {
        layers.enumerated().map { ("Layers.\($0)", .module($1)) }
    }

    /// Applies the layers.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        layers.reduce(input) { $1.checkpointed($0) }
    }
}

/// Interpolation by 2 with the filter [1, 3, 3, 1], and a 1 x 1 convolution if the channels change.
///
/// Input [N, in, H, W], output [N, out, 2 H, 2 W] or [N, out, H / 2, W / 2].
public final class R3GANTransition: Layer {
    /// 1 x 1 convolution without bias; nil if input and output have the same number of channels.
    public let pointwise: Conv2d?
    private let doubles: Bool
    private let filter: ResamplingFilter

    init(_ inputs: Int, _ outputs: Int, doubles: Bool, _ filter: ResamplingFilter) {
        pointwise = inputs == outputs ? nil : R3GANSettings.pointwise(inputs, outputs)
        (self.doubles, self.filter) = (doubles, filter)
    }

    /// The part with the name of the authors' code.
    public override var parts: [(key: String, part: Part)] {
        pointwise.map { [("LinearLayer.Layer", .module($0))] } ?? []
    }

    /// Applies the interpolation, and the convolution at the smaller side.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        if doubles { return filter.upsampled(pointwise.map { $0(input) } ?? input) }
        let maps = filter.downsampled(input)
        return pointwise.map { $0(maps) } ?? maps
    }
}
