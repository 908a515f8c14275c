import Torch
import TorchNN

/// StyleGAN2 generator: a mapping network and a synthesis network.
///
/// Input z [N, Z] and labels [N, K], output [N, 3, R, R], about -1...1 and not limited.
public final class StyleGAN2Generator: Module, StyleGenerator, FadesIn {
    /// Mapping network, z [N, Z] to w [N, W].
    public let mapping: StyleMapping
    /// Synthesis network, w+ [N, L, W] to [N, 3, R, R].
    public let synthesis: StyleSynthesis
    /// Size and distribution of z.
    public let latentSpace: LatentSpace
    /// Side R of the pictures, in pixels.
    public let resolution: Int
    /// Number of layers L that read a row of w+.
    public let layerCount: Int
    private let styleMixing: Double

    /// Creates a generator with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - latentSpace: size Z and distribution of z.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    public init(
        _ settings: StyleGAN2Settings = .init(), latentSpace: LatentSpace = .init(size: 512),
        resolution: Int = 64, labels: Int = 0
    ) {
        mapping = StyleMapping(zSize: latentSpace.size, labels: labels, settings, hasAverage: true)
        synthesis = StyleSynthesis(settings, resolution: resolution)
        (self.latentSpace, self.resolution) = (latentSpace, resolution)
        layerCount = 2 * StyleGAN2Settings.sides(resolution).count
        styleMixing = settings.styleMixing
    }

    /// Weight of the larger blocks; nil without a fade-in.
    public var fade: Factor? {
        get { synthesis.fade }
        set { synthesis.fade = newValue }
    }

    /// Prepares a fade-in of the blocks above a side.
    public func prepareFade(from side: Int, random: RandomSource) {
        synthesis.prepareFade(from: side, random: random)
    }

    /// Moving average of w over training, [W].
    public var averageW: Buffer { mapping.averageW! }

    /// Sets the average of w to the mean of 10,000 values, for weights without an average.
    public func estimateAverage() {
        withoutGradients {
            let z = latentSpace.sample(10_000, random: RandomSource(seed: 0)).to(averageW.value.device)
            let labels = mapping.embed.map { Tensor.zeros([10_000, $0.weight.value.shape[1]], on: z.device) }
            averageW.value.copy_(mapping(z, labels: labels, updatesAverage: false).mean([0]))
        }
    }

    /// Maps z [N, Z] and labels [N, K] to w+ [N, L, W]. In training mode, updates the moving average of w.
    public func map(_ latents: Latents) -> Tensor { rows(w(latents)) }

    /// Maps latents to w+ [N, L, W] for a training step, with style mixing (Karras et al. 2019, section 3.1).
    ///
    /// One pair of random numbers serves the whole batch: with the probability of style mixing, the layers from a random
    /// one on use the w of other latents. The numbers remain on the device.
    public func mapForTraining(_ latents: Latents, random: RandomSource) -> Tensor {
        let first = rows(w(latents))
        guard isTraining, styleMixing > 0 else { return first }
        let device = first.device
        let z = Tensor.normal(latents.z.shape, random: random).to(device)
        let draws = Tensor.uniform([2], random: random).to(device)
        let second = rows(w(Latents(z, labels: latents.labels), updatesAverage: false))
        // Rows 0...floor(u (L - 1)) keep the first w; all rows without mixing.
        let unmixed = draws.select(0, 1).less(than: styleMixing).equal(to: 0).to(.float32)
        let last = draws.select(0, 0) * Double(layerCount - 1) + unmixed * Double(layerCount)
        let layers = kept("layers", layerCount, on: device, .float32) { Tensor.range(layerCount) }
        let isFirst = layers.lessOrEqual(to: last).reshape([1, layerCount, 1])
        return first.where(isFirst, else: second)
    }

    /// Generates pictures [N, 3, R, R] from w+ [N, L, W].
    public func synthesize(_ w: Tensor, noise: NoiseInput) -> Tensor { synthesis(w, noise: noise) }

    /// Generates pictures [N, 3, R, R] from z [N, Z] and labels [N, K]. With random noise in training mode, the styles of
    /// two latents are mixed.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        if isTraining, case .random(let random) = noise {
            return synthesize(mapForTraining(latents, random: random), noise: noise)
        }
        return synthesize(map(latents), noise: noise)
    }

    /// Returns the synthesis for inference, w+ [N, L, W] to [N, 3, R, R], with the weights at the time of the call.
    public func foldedSynthesis() -> (Tensor, NoiseInput) -> Tensor {
        let prepared = PreparedSynthesis(synthesis)
        return { w, noise in
            switch noise {
            case .none: prepared(w) { _ in .none }
            case .constant: prepared(w) { _ in .constant }
            case .random(let random):
                prepared(w) { .streams(Array(repeating: random, count: $0.count)) }
            case .streams(let streams): prepared(w) { .streams(Array(streams[$0])) }
            }
        }
    }

    /// Whether all convolutions of `foldedSynthesis` are products over tiles.
    public var computesSingleRows: Bool { PreparedSynthesis.computesSingleRows(synthesis) }

    /// w [N, W] in float32: its differences are too small for bfloat16.
    private func w(_ latents: Latents, updatesAverage: Bool = true) -> Tensor {
        withAutocast(.float32, on: latents.z.device) {
            mapping(latents.z, labels: latents.labels, updatesAverage: updatesAverage)
        }
    }

    /// w+ [N, L, W] of equal rows.
    private func rows(_ w: Tensor) -> Tensor {
        w.unsqueezed(1).expanded(to: [w.shape[0], layerCount, w.shape[1]])
    }

    private let kept = KeptTensors()
}

/// Synthesis network of StyleGAN2: w+ [N, L, W] to pictures [N, 3, R, R].
public final class StyleSynthesis: Module {
    /// Blocks, one per side from 4.
    public let blocks: [StyleBlock]
    /// Weight of the blocks above `fadeSide`; nil without a fade-in.
    var fade: Factor?
    /// Side of the pictures of the smaller network; nil if the network did not grow.
    private var fadeSide: Int?
    private let filter = ResamplingFilter()
    private let settings: StyleGAN2Settings

    init(_ settings: StyleGAN2Settings, resolution: Int) {
        self.settings = settings
        let sides = StyleGAN2Settings.sides(resolution)
        blocks = sides.map { [filter] side in
            StyleBlock(settings, side: side, isLast: side == resolution, filter: filter)
        }
    }

    /// The blocks with the names of the authors' code: `b4`, `b8`, ...
    public override var parts: [(key: String, part: Part)] {
        blocks.map { ("b\($0.side)", .module($0)) }
    }

    /// Prepares a fade-in of the blocks above a side.
    func prepareFade(from side: Int, random: RandomSource) {
        guard let block = blocks.dropLast().first(where: { $0.side == side }) else {
            require(false, "StyleGAN2: expected a side below that of the pictures, got \(side)")
            return
        }
        fadeSide = side
        guard block.toRgb == nil else { return }
        let layer = ModulatedColors(settings.channels(side), settings)
        layer.initialize(random)
        block.fadingToRgb = layer
    }

    /// The current fade-in; nil for none.
    var currentFade: StyleFade? { StyleFade(from: fadeSide, weight: fade) }

    /// Generates pictures [N, 3, R, R] in float32 from w+ [N, L, W].
    func callAsFunction(_ w: Tensor, noise: NoiseInput) -> Tensor {
        let fade = currentFade
        let count = w.shape[0]
        // Styles and their norms are computed in float32.
        let styles = withAutocast(.float32, on: w.device) {
            var next = 0
            return blocks.map { block in
                defer { next += block.convolutions.count }
                return block.styles(w, from: next)
            }
        }
        var maps = blocks[0].constant!.value.unsqueezed(0)
            .expanded(to: [count] + blocks[0].constant!.value.shape)
        var (colors, smaller) = (Tensor?.none, Tensor?.none)
        for (block, style) in zip(blocks, styles) {
            (maps, colors) = block(maps, colors, style, noise)
            if let fade, block.side == fade.side {
                smaller = colors ?? block.fadingToRgb.map { $0(maps, style.fading!) }
            }
        }
        guard let fade, let smaller else { return colors! }
        return fade.mixed(colors!, with: smaller, filter)
    }
}

/// Block of the synthesis network: one or two convolutions at a side, and a layer to colors.
public final class StyleBlock: Module {
    /// Styles of the layers of a block.
    struct Styles {
        let convolutions: [Modulation]
        let colors: Modulation?
        /// Styles of the layer that is used during a fade-in only.
        let fading: Modulation?
    }

    /// Learned input of the first block, [C, 4, 4]; nil for the others.
    public let constant: Parameter?
    /// Convolutions: `conv1` in the first block, `conv0`, which doubles the side, and `conv1` in the others.
    public let convolutions: [ModulatedConvolution]
    /// Layer from maps to colors; nil for blocks without one.
    public let toRgb: ModulatedColors?
    /// Layer from maps to the colors of a smaller network, used during a fade-in only; nil if `toRgb` is used.
    var fadingToRgb: ModulatedColors?
    /// Shortcut, [N, in, side / 2, side / 2] to [N, out, side, side]; nil without one.
    public let skip: EqualizedConv2d?
    /// Side of the output, in pixels.
    let side: Int
    private let filter: ResamplingFilter

    init(_ settings: StyleGAN2Settings, side: Int, isLast: Bool, filter: ResamplingFilter) {
        let channels = settings.channels(side)
        func convolution(_ inputs: Int, upsamples: Bool) -> ModulatedConvolution {
            ModulatedConvolution(
                inputs, channels, side: side, upsamples: upsamples, settings, filter: filter)
        }
        let before = settings.channels(side / 2)
        let isFirst = side == 4
        constant = isFirst ? Parameter(shape: [channels, 4, 4]) : nil
        convolutions =
            (isFirst ? [] : [convolution(before, upsamples: true)])
            + [convolution(channels, upsamples: false)]
        let architecture = settings.generatorArchitecture
        toRgb = isLast || architecture == .skip ? ModulatedColors(channels, settings) : nil
        skip =
            architecture == .residual && !isFirst
            ? EqualizedConv2d(before, channels, kernel: 1, bias: false, gain: 0.5.squareRoot()) : nil
        (self.side, self.filter) = (side, filter)
    }

    /// The parts with the names of the authors' code.
    public override var parts: [(key: String, part: Part)] {
        let names = ["conv0", "conv1"].suffix(convolutions.count)
        return (constant.map { [("const", .parameter($0))] } ?? [])
            + zip(names, convolutions).map { ($0, .module($1)) }
            + ((toRgb ?? fadingToRgb).map { [("torgb", .module($0))] } ?? [])
            + (skip.map { [("skip", .module($0))] } ?? [])
    }

    /// Draws the constant from N(0, 1) and initializes the layers.
    public override func initialize(_ random: RandomSource) {
        if let constant { withoutGradients { constant.value.normal_(random: random) } }
        super.initialize(random)
    }

    /// Styles of the layers.
    /// - Parameters:
    ///   - w: w+ [N, L, W].
    ///   - first: row of the first convolution. The layer to colors reads the row after those of the convolutions.
    func styles(_ w: Tensor, from first: Int) -> Styles {
        Styles(
            convolutions: convolutions.enumerated().map { $1.modulation(w.select(1, first + $0)) },
            colors: toRgb?.modulation(w.select(1, first + convolutions.count)),
            fading: fadingToRgb?.modulation(w.select(1, first + convolutions.count)))
    }

    /// Applies the block.
    /// - Parameters:
    ///   - input: maps [N, in, side / 2, side / 2], or of the side for the first block.
    ///   - colors: colors of the previous blocks [N, 3, side / 2, side / 2]; nil for none.
    ///   - styles: factors of the layers.
    ///   - noise: source of the noise images.
    /// - Returns: maps [N, C, side, side] and colors [N, 3, side, side].
    func callAsFunction(_ input: Tensor, _ colors: Tensor?, _ styles: Styles, _ noise: NoiseInput) -> (
        maps: Tensor, colors: Tensor?
    ) {
        let count = styles.convolutions[0].input.shape[0]
        var maps = input
        for (index, (layer, style)) in zip(convolutions, styles.convolutions).enumerated() {
            let isLast = index == convolutions.count - 1
            maps = layer(
                maps, style, noise: layer.noise(noise, count: count),
                gain: isLast && skip != nil ? 0.5.squareRoot() : 1)
        }
        if let skip {
            maps = maps + filter.pointwiseUp(input, skip.effectiveWeights().weight).to(maps.dtype)
        }
        let own = toRgb.map { $0(maps, styles.colors!) }
        guard let colors else { return (maps, own) }
        let before = filter.upsampledColors(colors).atLeastSingle()
        return (maps, own.map { before + $0 } ?? before)
    }
}
