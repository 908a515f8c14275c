import Torch
import TorchNN

/// R3GAN generator: learned 4 x 4 maps that are scaled by a dense layer of z, then residual blocks and interpolation, which
/// doubles the side.
///
/// Input z [N, Z] and labels [N, K], output [N, 3, R, R] without an activation. The dense layer reads z and the labels.
public final class R3GANGenerator: Module, Generator {
    /// Stages, one per side from 4.
    public let stages: [R3GANStage]
    /// Last layer, 1 x 1, [N, C, R, R] to [N, 3, R, R].
    public let colors: Conv2d
    /// Size and distribution of z.
    public let latentSpace: LatentSpace
    /// Side R of the pictures, in pixels.
    public let resolution: Int

    /// Creates a generator with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - latentSpace: size Z and distribution of z.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    public init(
        _ settings: R3GANSettings = .init(), latentSpace: LatentSpace = .init(size: 64), resolution: Int = 64,
        labels: Int = 0
    ) {
        let filter = ResamplingFilter()
        stages = R3GANSettings.sides(resolution).map { side in
            let first: Layer =
                side == 4
                ? R3GANBasis(latentSpace.size + labels, settings.channels(4))
                : R3GANTransition(
                    settings.channels(side / 2), settings.channels(side), doubles: true, filter)
            return R3GANStage([first] + settings.makeBlocks(side: side, resolution: resolution))
        }
        colors = R3GANSettings.pointwise(settings.channels(resolution), 3)
        (self.latentSpace, self.resolution) = (latentSpace, resolution)
    }

    /// The parts with the names of the authors' code: `MainLayers.0`, ..., `AggregationLayer.Layer`.
    public override var parts: [(key: String, part: Part)] {
        stages.enumerated().map { ("MainLayers.\($0)", .module($1)) }
            + [("AggregationLayer.Layer", .module(colors))]
    }

    /// Generates pictures [N, 3, R, R] from z [N, Z] and labels [N, K]. Ignores the noise.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        var maps = latents.joined
        for stage in stages { maps = stage(maps) }
        return colors(maps)
    }
}

/// Learned maps whose channels are scaled by a dense layer of the latents: [N, Z] to [N, C, 4, 4].
public final class R3GANBasis: Layer {
    /// Maps, [C, 4, 4].
    public let basis: Parameter
    /// Dense layer without bias, [N, Z] to [N, C].
    public let linear: Linear

    init(_ inputs: Int, _ channels: Int) {
        basis = Parameter(shape: [channels, 4, 4])
        linear = R3GANSettings.dense(inputs, channels)
    }

    /// The parts with the names of the authors' code.
    public override var parts: [(key: String, part: Part)] {
        [("Basis", .parameter(basis)), ("LinearLayer", .module(linear))]
    }

    /// Draws the maps from N(0, 1) and initializes the dense layer.
    public override func initialize(_ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(basis.value, random: random)
        linear.initialize(random)
    }

    /// Applies the layer: [N, Z] to [N, C, 4, 4].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let scales = linear(input)
        return (basis.value.unsqueezed(0) * scales.unsqueezed(2).unsqueezed(3).to(basis.value.dtype))
            .to(.channelsLast)
    }
}
