import Torch
import TorchNN

/// R3GAN discriminator: residual blocks and interpolation, which halves the side, then a product with learned 4 x 4 maps and a
/// dense layer.
///
/// Pictures [N, 3, R, R] to logits [N]. Labels add a projection to the logit (`LabelHead`).
public final class R3GANDiscriminator: Module, Discriminator {
    /// First layer, 1 x 1, [N, 3, R, R] to [N, C, R, R].
    public let input: Conv2d
    /// Stages, one per side down to 4.
    public let stages: [R3GANStage]
    /// Last layers, [N, C, 4, 4] to [N].
    public let head: R3GANHead
    /// Head for labels; nil for an unconditional discriminator.
    public let labelHead: LabelHead?

    /// Creates a discriminator with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - conditions: attributes and how they are used.
    public init(
        _ settings: R3GANSettings = .init(), resolution: Int = 64, conditions: ConditionSettings = .init()
    ) {
        let filter = ResamplingFilter()
        input = R3GANSettings.pointwise(3, settings.channels(resolution))
        stages = R3GANSettings.sides(resolution).reversed().map { side in
            let blocks: [Layer] = settings.makeBlocks(side: side, resolution: resolution)
            guard side > 4 else { return R3GANStage(blocks) }
            let (inputs, outputs) = (settings.channels(side), settings.channels(side / 2))
            return R3GANStage(blocks + [R3GANTransition(inputs, outputs, doubles: false, filter)])
        }
        head = R3GANHead(settings.channels(4))
        labelHead = LabelHead(settings.channels(4), conditions)
    }

    /// The parts with the names of the authors' code: `ExtractionLayer.Layer`, `MainLayers.0`, ...; and `label_head`.
    public override var parts: [(key: String, part: Part)] {
        [("ExtractionLayer.Layer", .module(input))]
            + stages.enumerated().map { ("MainLayers.\($0)", .module($1)) }
            + [("MainLayers.\(stages.count - 1).Layers.\(stages.last!.layers.count)", .module(head))]
            + (labelHead.map { [("label_head", .module($0))] } ?? [])
    }

    /// False: a logit depends on its own picture only.
    public var usesBatchStatistics: Bool { false }

    /// Computes logits [N] of pictures [N, 3, R, R] and labels [N, K].
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let maps = stages.reduce(input(images)) { $1($0) }
        // Logits are unbounded. bfloat16 would lose the difference between real and fake.
        return withAutocast(.float32, on: images.device) {
            let features = head.features(maps.atLeastSingle())
            return DiscriminatorOutput(
                logits: head.linear(features).squeezed(1), maps: [], head: labelHead, features: features,
                labels: labels)
        }
    }
}

/// Last layers of the discriminator: products with learned maps, [N, C, 4, 4] to features [N, C], and a dense layer to [N, 1].
public final class R3GANHead: Module {
    /// Maps, [C, 1, 4, 4], as the weight of a convolution with C groups.
    public let basis: Parameter
    /// Dense layer without bias, [N, C] to [N, 1].
    public let linear: Linear

    init(_ channels: Int) {
        basis = Parameter(shape: [channels, 1, 4, 4])
        linear = R3GANSettings.dense(channels, 1)
    }

    /// The parts with the names of the authors' code.
    public override var parts: [(key: String, part: Part)] {
        [("Basis.weight", .parameter(basis)), ("LinearLayer", .module(linear))]
    }

    /// Draws the maps from N(0, 1 / 16) and initializes the dense layer.
    public override func initialize(_ random: RandomSource) {
        R3GANSettings.initializer(fanIn: 16).fill(basis.value, random: random)
        linear.initialize(random)
    }

    /// Sums over the pixels of the products of maps [N, C, 4, 4] with the learned maps, [N, C].
    func features(_ maps: Tensor) -> Tensor {
        (maps * basis.value.reshape([1, -1, 4, 4])).sum([2, 3])
    }
}
