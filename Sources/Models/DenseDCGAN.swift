import Settings
import Torch
import TorchNN

/// Size of a DCGAN with a dense first layer and 5 x 5 kernels, as in the first TensorFlow implementation.
public struct DenseDCGANSettings: NetworkFamily {
    /// Name in recipes.
    public static let name = "dcgan-dense"

    /// Channels of the layer at the picture resolution. Each halving of the side doubles them.
    public var filters = 64
    /// Upper limit of the channels, also of the 4 x 4 layer.
    public var maxFilters = 512
    /// Weight of a batch in the running statistics. TensorFlow's momentum 0.9 is 0.1 here.
    public var batchNormMomentum = 0.1

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...1024,
            "Channels at the picture resolution; doubled at each halving of the side.")
        try v.integer(
            "maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels, also of the 4 x 4 layer.")
        try v.number(
            "batchNormMomentum", &batchNormMomentum, in: 0...1,
            "Weight of a batch in the running statistics: 1 - momentum of TensorFlow.")
    }

    /// Creates the generator, [N, Z + K] to [N, 3, resolution, resolution], with uninitialized weights.
    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        DenseDCGANGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    /// Creates the discriminator, [N, 3, resolution, resolution] to [N], with uninitialized weights.
    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        DenseDCGANDiscriminator(self, resolution: resolution, conditions: conditions)
    }

    /// Channels per level, from the picture to 4 x 4: one value per halving.
    func widths(_ resolution: Int) -> [Int] {
        DCGANSettings.widths(resolution, filters: filters, maxFilters: maxFilters)
    }
}

/// DCGAN generator with a dense layer to 4 x 4, then 5 x 5 transposed convolutions.
///
/// Input z [N, Z] and labels [N, K], output [N, 3, R, R] in -1...1.
public final class DenseDCGANGenerator: Module, Generator {
    /// Dense layer, [N, Z + K] to [N, 16 C] for 4 x 4 maps of C channels.
    public let stem: Linear
    /// Remaining layers, [N, 16 C] to [N, 3, R, R].
    public let main: Sequential
    /// Size and distribution of z.
    public let latentSpace: LatentSpace
    /// Side R of the pictures, in pixels.
    public let resolution: Int

    /// Creates a generator with uninitialized weights.
    /// - Parameters:
    ///   - settings: channels and momentum.
    ///   - latentSpace: size Z and distribution of z.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    public init(
        _ settings: DenseDCGANSettings = .init(), latentSpace: LatentSpace, resolution: Int = 64,
        labels: Int = 0
    ) {
        let weights = Initializer.normal(deviation: 0.02)
        let momentum = settings.batchNormMomentum
        let widths = Array(settings.widths(resolution).reversed())
        stem = Linear(latentSpace.size + labels, widths[0] * 16, initializer: weights)
        // [N, 16 C] to [N, C, 4, 4], C = widths[0].
        var layers: [Layer] = [
            Reshape(widths[0], 4, 4), BatchNorm2d(widths[0], momentum: momentum), Activation.relu(),
        ]
        for (width, next) in zip(widths, widths.dropFirst()) {
            layers += [
                Self.upsampling(width, next, weights), BatchNorm2d(next, momentum: momentum),
                Activation.relu(),
            ]
        }
        layers += [Self.upsampling(widths.last!, 3, weights), Activation.tanh()]
        main = Sequential(layers)
        self.latentSpace = latentSpace
        self.resolution = resolution
    }

    /// Transposed convolution that doubles the side, [N, inputs, H, W] to [N, outputs, 2 H, 2 W].
    private static func upsampling(_ inputs: Int, _ outputs: Int, _ weights: Initializer) -> ConvTranspose2d {
        ConvTranspose2d(
            inputs, outputs, kernel: 5, stride: 2, padding: 2, outputPadding: 1, initializer: weights)
    }

    /// Generates pictures [N, 3, R, R] in -1...1 from z [N, Z] and labels [N, K]. Ignores the noise.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor { main(stem(latents.joined)) }

    /// Returns the generator for inference, [N, Z] to [N, 3, R, R], with batch normalization folded into the
    /// convolutions.
    public func folded() -> (Latents, NoiseInput) -> Tensor {
        let main = FoldedSequential(main)
        return { [stem] latents, _ in main(stem(latents.joined)) }
    }
}

/// DCGAN discriminator with 5 x 5 strided convolutions and a dense output. Pictures [N, 3, R, R] to logits [N].
public final class DenseDCGANDiscriminator: Module, Discriminator {
    /// Convolutions, [N, 3, R, R] to [N, C, 4, 4].
    public let main: Sequential
    /// Dense output layer, [N, 16 C] to [N, 1].
    public let head: Linear
    /// Head for labels; nil for an unconditional discriminator.
    public let labelHead: LabelHead?

    /// Creates a discriminator with uninitialized weights.
    /// - Parameters:
    ///   - settings: channels and momentum.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - conditions: attributes and how they are used.
    public init(
        _ settings: DenseDCGANSettings = .init(), resolution: Int = 64,
        conditions: ConditionSettings = .init()
    ) {
        let weights = Initializer.normal(deviation: 0.02)
        let widths = settings.widths(resolution)
        var layers: [Layer] = [
            Conv2d(3, widths[0], kernel: 5, stride: 2, padding: 2, initializer: weights),
            Activation.leakyReLU(0.2),
        ]
        for (width, next) in zip(widths, widths.dropFirst()) {
            layers += [
                Conv2d(width, next, kernel: 5, stride: 2, padding: 2, initializer: weights),
                BatchNorm2d(next, momentum: settings.batchNormMomentum), Activation.leakyReLU(0.2),
            ]
        }
        main = Sequential(layers)
        head = Linear(widths.last! * 16, 1, initializer: weights)
        labelHead = LabelHead(widths.last!, conditions)
    }

    /// True: batch normalization makes a logit depend on the batch.
    public var usesBatchStatistics: Bool { true }

    /// Computes logits [N] of pictures [N, 3, R, R] and labels [N, K].
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        // [N, C, 4, 4] to [N, 16 C] to [N].
        let maps = main(images)
        return DiscriminatorOutput(
            logits: head(maps.flattened(from: 1)).squeezed(1), maps: [], head: labelHead,
            features: labelHead.map { _ in maps.mean([2, 3]) }, labels: labels)
    }
}
