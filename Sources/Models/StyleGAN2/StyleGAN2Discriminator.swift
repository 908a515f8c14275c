import Torch
import TorchNN

/// StyleGAN2 discriminator: blocks that halve the side to 4 x 4, minibatch standard deviation and dense layers.
///
/// Pictures [N, 3, R, R] to logits [N]. The logit of a conditional discriminator is the product of its output with the
/// mapped labels.
public final class StyleGAN2Discriminator: Module, Discriminator, FadesIn {
    /// Blocks, one per halving of the side.
    public let blocks: [StyleDownBlock]
    /// Last layers, 4 x 4 maps to [N, 1] or, for a conditional discriminator, [N, W].
    public let head: StyleHead
    /// Mapping of the labels, [N, K] to [N, W]; nil for an unconditional discriminator.
    public let mapping: StyleMapping?
    /// Classifier of the attributes, [N, C] to [N, K]; nil for none.
    public let classifier: Linear?
    /// Weight of the blocks above `fadeSide`; nil without a fade-in.
    public var fade: Factor?
    /// Side of the pictures of the smaller network; nil if the network did not grow.
    private var fadeSide: Int?
    private let filter = ResamplingFilter()
    private let settings: StyleGAN2Settings

    /// Creates a discriminator with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - conditions: attributes and how they are used.
    public init(
        _ settings: StyleGAN2Settings = .init(), resolution: Int = 64, conditions: ConditionSettings = .init()
    ) {
        self.settings = settings
        let labels = conditions.attributes.count
        let isProjected = labels > 0 && conditions.projection
        let sides = StyleGAN2Settings.sides(resolution)
        blocks = sides.dropFirst().reversed().map { [filter] side in
            StyleDownBlock(settings, side: side, isFirst: side == resolution, filter: filter)
        }
        head = StyleHead(settings, outputs: isProjected ? settings.wSize : 1)
        mapping =
            isProjected ? StyleMapping(zSize: 0, labels: labels, settings, hasAverage: false) : nil
        classifier =
            labels > 0 && conditions.classifier
            ? Linear(settings.channels(4), labels, initializer: .xavierUniform()) : nil
    }

    /// The parts with the names of the authors' code: `b64`, ..., `b4`, `mapping`; and `classifier`.
    public override var parts: [(key: String, part: Part)] {
        blocks.map { ("b\($0.side)", .module($0)) } + [("b4", .module(head))]
            + (mapping.map { [("mapping", .module($0))] } ?? [])
            + (classifier.map { [("classifier", .module($0))] } ?? [])
    }

    /// Whether the discriminator has a minibatch standard deviation, which makes a logit depend on its batch.
    public var usesBatchStatistics: Bool { head.deviation != nil }

    /// Prepares a fade-in of the blocks above a side.
    public func prepareFade(from side: Int, random: RandomSource) {
        guard let block = blocks.dropFirst().first(where: { $0.side == side }) else {
            require(false, "StyleGAN2Discriminator: expected a side below that of the pictures, got \(side)")
            return
        }
        fadeSide = side
        guard block.fromRgb == nil else { return }
        let layer = EqualizedConv2d(3, settings.channels(side), kernel: 1, gain: 1)
        layer.initialize(random)
        block.fadingFromRgb = layer
    }

    /// The current fade-in; nil for none.
    private var currentFade: StyleFade? { StyleFade(from: fadeSide, weight: fade) }

    /// Computes logits [N] of pictures [N, 3, R, R] and labels [N, K].
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        var (maps, colors) = (Tensor?.none, images)
        let fade = currentFade
        for block in blocks {
            if let fade, block.side == fade.side {
                maps = block.faded(maps!, images, weight: fade.weight)
            }
            (maps, colors) = block(maps, colors)
        }
        // Logits are unbounded. bfloat16 would lose the difference between real and fake.
        return withAutocast(.float32, on: images.device) {
            let (features, output) = head(maps!.atLeastSingle(), colors.atLeastSingle())
            let logits: Tensor
            if let mapping {
                require(labels != nil, "StyleGAN2Discriminator: expected labels [N, K], got none")
                let mapped = mapping(nil, labels: labels)
                logits = (output * mapped).sum([1]) * (1 / Double(mapped.shape[1]).squareRoot())
            } else {
                logits = output.squeezed(1)
            }
            return DiscriminatorOutput(logits: logits, attributes: classifier.map { $0(features) })
        }
    }
}

/// Block of the discriminator: two 3 x 3 convolutions, the second of which halves the side.
///
/// Input maps [N, in, side, side], output [N, out, side / 2, side / 2].
public final class StyleDownBlock: Module {
    /// Layer from colors to maps; nil for blocks without one.
    public let fromRgb: EqualizedConv2d?
    /// Layer from colors to the maps of a smaller network, used during a fade-in only; nil if `fromRgb` is used.
    var fadingFromRgb: EqualizedConv2d?
    /// First convolution.
    public let conv0: EqualizedConv2d
    /// Second convolution, which halves the side.
    public let conv1: EqualizedConv2d
    /// Shortcut of a 1 x 1 convolution that halves the side; nil without one.
    public let skip: EqualizedConv2d?
    /// Side of the input, in pixels.
    let side: Int
    private let readsAllColors: Bool
    private let clamp: Double?
    private let filter: ResamplingFilter

    init(_ settings: StyleGAN2Settings, side: Int, isFirst: Bool, filter: ResamplingFilter) {
        let (inputs, outputs) = (settings.channels(side), settings.channels(side / 2))
        let architecture = settings.discriminatorArchitecture
        readsAllColors = architecture == .skip
        fromRgb = isFirst || readsAllColors ? EqualizedConv2d(3, inputs, kernel: 1, gain: 1) : nil
        conv0 = EqualizedConv2d(inputs, inputs, kernel: 3, padding: 1, gain: 1)
        conv1 = EqualizedConv2d(inputs, outputs, kernel: 3, stride: 2, gain: 1)
        skip =
            architecture == .residual
            ? EqualizedConv2d(inputs, outputs, kernel: 1, stride: 2, bias: false, gain: 0.5.squareRoot())
            : nil
        clamp = settings.limit
        (self.side, self.filter) = (side, filter)
    }

    /// The parts with the names of the authors' code.
    public override var parts: [(key: String, part: Part)] {
        ((fromRgb ?? fadingFromRgb).map { [("fromrgb", .module($0))] } ?? [])
            + [("conv0", .module(conv0)), ("conv1", .module(conv1))]
            + (skip.map { [("skip", .module($0))] } ?? [])
    }

    /// Input of this block during a fade-in of the blocks before it.
    /// - Parameters:
    ///   - maps: maps of the blocks before, [N, in, side, side].
    ///   - images: pictures [N, 3, R, R].
    ///   - weight: weight of the maps, 0...1.
    /// - Returns: [N, in, side, side].
    func faded(_ maps: Tensor, _ images: Tensor, weight: Factor) -> Tensor {
        // A block with a layer from colors adds its maps itself.
        guard let layer = fadingFromRgb else { return maps * weight.cast(to: maps.dtype) }
        let smaller = filter.downsampledColors(images, to: side)
        let read = Self.activated(smaller, layer, clamp: clamp) { $0.conv2d(weight: $1, bias: nil) }
        return read.to(maps.dtype).lerp(maps, weight: weight)
    }

    /// Applies the block.
    /// - Parameters:
    ///   - input: maps [N, in, side, side]; nil for the first block.
    ///   - colors: pictures [N, 3, side, side]; unused by blocks without a layer from colors.
    /// - Returns: maps [N, out, side / 2, side / 2], and the colors for the next block.
    func callAsFunction(_ input: Tensor?, _ colors: Tensor) -> (maps: Tensor?, colors: Tensor) {
        var maps = input
        if let fromRgb {
            let read = Self.activated(colors, fromRgb, clamp: clamp) { $0.conv2d(weight: $1, bias: nil) }
            maps = maps.map { $0 + read } ?? read
        }
        let start = maps!
        let first = Self.activated(start, conv0, clamp: clamp) {
            $0.conv2d(weight: $1, bias: nil, padding: 1)
        }
        // The sum of the block and its shortcut keeps the variance.
        var result = Self.activated(
            first, conv1, gain: skip == nil ? 1 : 0.5.squareRoot(), clamp: clamp
        ) { filter.convolvedDown($0, $1) }
        if let skip { result = result + filter.pointwiseDown(start, skip.effectiveWeights().weight) }
        return (result, readsAllColors ? filter.downsampledColors(colors) : colors)
    }

    /// Convolution, bias and leaky ReLU with a gain.
    static func activated(
        _ input: Tensor, _ layer: EqualizedConv2d, gain: Double = 1, clamp: Double?,
        _ convolve: (_ input: Tensor, _ weight: Tensor) -> Tensor
    ) -> Tensor {
        let (weight, bias) = layer.effectiveWeights()
        let maps = convolve(input, weight * (gain * StyleActivation.gain))
        return StyleActivation.apply(maps, bias: bias!, gain: gain, clamp: clamp)
    }
}

/// Last layers of the discriminator: minibatch standard deviation, a 3 x 3 convolution and two dense layers.
///
/// Input maps [N, C, 4, 4], output features [N, C] and [N, outputs].
public final class StyleHead: Module {
    /// Layer from colors to maps; nil unless all blocks read colors.
    public let fromRgb: EqualizedConv2d?
    /// Convolution, [N, C + 1, 4, 4] to [N, C, 4, 4].
    public let conv: EqualizedConv2d
    /// Dense layer, [N, 16 C] to [N, C].
    public let fc: EqualizedLinear
    /// Output layer, [N, C] to [N, outputs].
    public let out: EqualizedLinear
    /// Minibatch standard deviation; nil for none.
    let deviation: MinibatchStandardDeviation?
    private let clamp: Double?

    init(_ settings: StyleGAN2Settings, outputs: Int) {
        let channels = settings.channels(4)
        deviation =
            settings.deviationGroup > 0 ? MinibatchStandardDeviation(group: settings.deviationGroup) : nil
        fromRgb =
            settings.discriminatorArchitecture == .skip
            ? EqualizedConv2d(3, channels, kernel: 1, gain: 1) : nil
        conv = EqualizedConv2d(
            channels + (deviation == nil ? 0 : 1), channels, kernel: 3, padding: 1, gain: 1)
        fc = EqualizedLinear(channels * 16, channels, gain: 1)
        out = EqualizedLinear(channels, outputs, gain: 1)
        clamp = settings.limit
    }

    /// The parts with the names of the authors' code.
    public override var parts: [(key: String, part: Part)] {
        (fromRgb.map { [("fromrgb", .module($0))] } ?? [])
            + [("conv", .module(conv)), ("fc", .module(fc)), ("out", .module(out))]
    }

    /// Applies the layers to maps [N, C, 4, 4] and colors [N, 3, 4, 4].
    func callAsFunction(_ input: Tensor, _ colors: Tensor) -> (features: Tensor, output: Tensor) {
        var maps = input
        if let fromRgb {
            maps =
                maps
                + StyleDownBlock.activated(colors, fromRgb, clamp: clamp) { $0.conv2d(weight: $1, bias: nil) }
        }
        maps = deviation.map { $0(maps) } ?? maps
        maps = StyleDownBlock.activated(maps, conv, clamp: clamp) {
            $0.conv2d(weight: $1, bias: nil, padding: 1)
        }
        // Channels first in the order of the values, as in the weight of the dense layer.
        let flat = maps.contiguous().flattened(from: 1)
        let features = fc(flat).leakyReLU(0.2) * StyleActivation.gain
        return (features, out(features))
    }
}
