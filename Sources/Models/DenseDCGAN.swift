import Settings
import Torch
import TorchNN

/// Size of a DCGAN with a dense stem and 5 x 5 kernels, the shape of the first TensorFlow version.
public struct DenseDCGANSettings: NetworkFamily {
    public static let name = "dcgan-dense"

    /// Channels next to the picture; each halving of the resolution doubles them.
    public var filters = 64
    /// Channels are never more than this; also those of the 4 x 4 stem.
    public var maxFilters = 512
    /// Share of the batch in the running statistics; 0.1 is what TensorFlow calls momentum 0.9.
    public var batchNormMomentum = 0.1

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...1024, "Channels next to the picture; doubled at each halving.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels, and the stem's.")
        try v.number(
            "batchNormMomentum", &batchNormMomentum, in: 0...1,
            "Share of the batch in the running statistics (one minus TensorFlow's momentum).")
    }

    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        DenseDCGANGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        DenseDCGANDiscriminator(self, resolution: resolution, conditions: conditions)
    }

    func widths(_ resolution: Int) -> [Int] {
        DCGANSettings.widths(resolution, filters: filters, maxFilters: maxFilters)
    }
}

/// Latents to pictures [N, 3, R, R]: dense to 4 x 4, then 5 x 5 transposed convolutions.
public final class DenseDCGANGenerator: Module, Generator {
    public let stem: Linear
    public let main: Sequential
    public let latentSpace: LatentSpace
    public let resolution: Int

    public init(
        _ settings: DenseDCGANSettings = .init(), latentSpace: LatentSpace, resolution: Int = 64,
        labels: Int = 0
    ) {
        let weights = Initializer.normal(deviation: 0.02)
        let momentum = settings.batchNormMomentum
        let widths = Array(settings.widths(resolution).reversed())
        stem = Linear(latentSpace.size + labels, widths[0] * 16, initializer: weights)
        // [N, widest x 16] to [N, widest, 4, 4]
        var layers: [Layer] = [
            Reshape(widths[0], 4, 4), BatchNorm2d(widths[0], momentum: momentum), Activation.relu(),
        ]
        for (width, next) in zip(widths, widths.dropFirst()) {
            layers += [
                Self.enlarging(width, next, weights), BatchNorm2d(next, momentum: momentum),
                Activation.relu(),
            ]
        }
        layers += [Self.enlarging(widths.last!, 3, weights), Activation.tanh()]
        main = Sequential(layers)
        self.latentSpace = latentSpace
        self.resolution = resolution
    }

    private static func enlarging(_ inputs: Int, _ outputs: Int, _ weights: Initializer) -> ConvTranspose2d {
        ConvTranspose2d(
            inputs, outputs, kernel: 5, stride: 2, padding: 2, outputPadding: 1, initializer: weights)
    }

    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor { main(stem(latents.joined)) }

    public func folded() -> (Latents, NoiseInput) -> Tensor {
        let main = FoldedSequential(main)
        return { [stem] latents, _ in main(stem(latents.joined)) }
    }
}

/// Pictures [N, 3, R, R] to logits [N]: 5 x 5 strided convolutions, then dense.
public final class DenseDCGANDiscriminator: Module, Discriminator {
    public let main: Sequential
    public let head: Linear
    public let labelHead: LabelHead?

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

    public var usesBatchStatistics: Bool { true }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        // [N, widest, 4, 4] to [N, widest x 16] to [N]
        let maps = main(images)
        return DiscriminatorOutput(
            logits: head(maps.flattened(from: 1)).squeezed(1), maps: [], head: labelHead,
            features: labelHead.map { _ in maps.mean([2, 3]) }, labels: labels)
    }
}
