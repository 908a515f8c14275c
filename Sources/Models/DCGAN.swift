import Settings
import Torch
import TorchNN

/// Size of a DCGAN (Radford et al. 2016, arXiv:1511.06434), with the layers of the PyTorch example.
public struct DCGANSettings: NetworkFamily {
    /// Name in recipes.
    public static let name = "dcgan"

    /// Channels of the layer at the picture resolution. Each halving of the side doubles them.
    public var filters = 64
    /// Upper limit of the channels.
    public var maxFilters = 1024

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...1024,
            "Channels at the picture resolution; doubled at each halving of the side.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels.")
    }

    /// Creates the generator, [N, Z + K] to [N, 3, resolution, resolution], with uninitialized weights.
    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        DCGANGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    /// Creates the discriminator, [N, 3, resolution, resolution] to [N], with uninitialized weights.
    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        DCGANDiscriminator(self, resolution: resolution, conditions: conditions)
    }

    /// Channels per level, from the picture to 4 x 4: one value per halving.
    func widths(_ resolution: Int) -> [Int] {
        Self.widths(resolution, filters: filters, maxFilters: maxFilters)
    }

    /// Channels per level of a family that doubles its channels at each halving.
    static func widths(_ resolution: Int, filters: Int, maxFilters: Int) -> [Int] {
        require(
            resolution >= 8 && resolution.nonzeroBitCount == 1,
            "DCGAN: expected a resolution that is a power of two from 8, got \(resolution)")
        let halvings = resolution.trailingZeroBitCount - 2
        return (0..<halvings).map { min(filters << $0, maxFilters) }
    }
}

/// DCGAN generator: transposed convolutions with batch normalization, ReLU and a final tanh.
///
/// Input z [N, Z] and labels [N, K], output [N, 3, R, R] in -1...1.
public final class DCGANGenerator: Module, Generator {
    /// Layers, [N, Z + K, 1, 1] to [N, 3, R, R].
    public let main: Sequential
    /// Size and distribution of z.
    public let latentSpace: LatentSpace
    /// Side R of the pictures, in pixels.
    public let resolution: Int

    /// Creates a generator with uninitialized weights.
    /// - Parameters:
    ///   - settings: channels.
    ///   - latentSpace: size Z and distribution of z.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    public init(
        _ settings: DCGANSettings = .init(), latentSpace: LatentSpace = .init(), resolution: Int = 64,
        labels: Int = 0
    ) {
        let weights = Initializer.normal(deviation: 0.02)
        let widths = Array(settings.widths(resolution).reversed())
        // [N, Z + K, 1, 1] to [N, C, 4, 4]
        var layers: [Layer] = [
            ConvTranspose2d(
                latentSpace.size + labels, widths[0], kernel: 4, bias: false, initializer: weights),
            BatchNorm2d(widths[0], deviation: 0.02), Activation.relu(),
        ]
        for (width, next) in zip(widths, widths.dropFirst()) {
            layers += [
                ConvTranspose2d(
                    width, next, kernel: 4, stride: 2, padding: 1, bias: false, initializer: weights),
                BatchNorm2d(next, deviation: 0.02), Activation.relu(),
            ]
        }
        layers += [
            ConvTranspose2d(
                widths.last!, 3, kernel: 4, stride: 2, padding: 1, bias: false, initializer: weights),
            Activation.tanh(),
        ]
        main = Sequential(layers)
        self.latentSpace = latentSpace
        self.resolution = resolution
    }

    /// Generates pictures [N, 3, R, R] in -1...1 from z [N, Z] and labels [N, K]. Ignores the noise.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor { main(maps(latents)) }

    /// Returns the generator for inference, [N, Z] to [N, 3, R, R], with batch normalization folded into the
    /// convolutions.
    public func folded() -> (Latents, NoiseInput) -> Tensor {
        let main = FoldedSequential(main)
        return { [self] latents, _ in main(maps(latents)) }
    }

    /// z and labels as maps of one pixel, [N, Z + K, 1, 1].
    private func maps(_ latents: Latents) -> Tensor { latents.joined.unsqueezed(2).unsqueezed(3) }
}

/// DCGAN discriminator: strided convolutions with batch normalization and leaky ReLU. Pictures [N, 3, R, R] to logits
/// [N].
public final class DCGANDiscriminator: Module, Discriminator {
    /// Layers, [N, 3, R, R] to [N, 1, 1, 1].
    public let main: Sequential
    /// Head for labels; nil for an unconditional discriminator.
    public let labelHead: LabelHead?

    /// Creates a discriminator with uninitialized weights.
    /// - Parameters:
    ///   - settings: channels.
    ///   - resolution: side R of the pictures, a power of two from 8.
    ///   - conditions: attributes and how they are used.
    public init(
        _ settings: DCGANSettings = .init(), resolution: Int = 64, conditions: ConditionSettings = .init()
    ) {
        let weights = Initializer.normal(deviation: 0.02)
        let widths = settings.widths(resolution)
        var layers: [Layer] = [
            Conv2d(3, widths[0], kernel: 4, stride: 2, padding: 1, bias: false, initializer: weights),
            Activation.leakyReLU(0.2),
        ]
        for (width, next) in zip(widths, widths.dropFirst()) {
            layers += [
                Conv2d(width, next, kernel: 4, stride: 2, padding: 1, bias: false, initializer: weights),
                BatchNorm2d(next, deviation: 0.02), Activation.leakyReLU(0.2),
            ]
        }
        layers.append(Conv2d(widths.last!, 1, kernel: 4, bias: false, initializer: weights))
        main = Sequential(layers)
        labelHead = LabelHead(widths.last!, conditions)
    }

    /// True: batch normalization makes a logit depend on the batch.
    public var usesBatchStatistics: Bool { true }

    /// Computes logits [N] of pictures [N, 3, R, R] and labels [N, K].
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let count = images.shape[0]
        guard labelHead != nil else { return DiscriminatorOutput(logits: main(images).reshape([count])) }
        let maps = main(images, first: main.layers.count - 1)
        return DiscriminatorOutput(
            logits: main.layers.last!(maps).reshape([count]), maps: [], head: labelHead,
            features: maps.mean([2, 3]), labels: labels)
    }
}
