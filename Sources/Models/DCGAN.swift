import Settings
import Torch
import TorchNN

/// Size of a DCGAN network (Radford et al. 2016), in the shape of PyTorch's example.
public struct DCGANSettings: NetworkFamily {
    public static let name = "dcgan"

    /// Channels of the widest pictures' layer; each halving of the resolution doubles them.
    public var filters = 64
    /// Channels are never more than this.
    public var maxFilters = 1024

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...1024, "Channels next to the picture; doubled at each halving.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels.")
    }

    public func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        DCGANGenerator(self, latentSpace: latentSpace, resolution: resolution, labels: labels)
    }

    public func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        DCGANDiscriminator(self, resolution: resolution, conditions: conditions)
    }

    /// Channels from the picture inwards: one for each halving down to 4 x 4.
    func widths(_ resolution: Int) -> [Int] {
        Self.widths(resolution, filters: filters, maxFilters: maxFilters)
    }

    /// The same of the other families that double their channels at each halving.
    static func widths(_ resolution: Int, filters: Int, maxFilters: Int) -> [Int] {
        require(
            resolution >= 8 && resolution.nonzeroBitCount == 1,
            "DCGAN: expected a resolution that is a power of two from 8, got \(resolution)")
        let halvings = resolution.trailingZeroBitCount - 2
        return (0..<halvings).map { min(filters << $0, maxFilters) }
    }
}

/// Latents to pictures [N, 3, R, R] by transposed convolutions with batch normalization.
public final class DCGANGenerator: Module, Generator {
    public let main: Sequential
    public let latentSpace: LatentSpace
    public let resolution: Int

    public init(
        _ settings: DCGANSettings = .init(), latentSpace: LatentSpace = .init(), resolution: Int = 64,
        labels: Int = 0
    ) {
        let weights = Initializer.normal(deviation: 0.02)
        let widths = Array(settings.widths(resolution).reversed())
        // [N, Z + K, 1, 1] to [N, widest, 4, 4]
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

    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor { main(maps(latents)) }

    public func folded() -> (Latents, NoiseInput) -> Tensor {
        let main = FoldedSequential(main)
        return { [self] latents, _ in main(maps(latents)) }
    }

    /// z and labels as maps of one pixel, [N, Z + K, 1, 1].
    private func maps(_ latents: Latents) -> Tensor { latents.joined.unsqueezed(2).unsqueezed(3) }
}

/// Pictures [N, 3, R, R] to logits [N] by strided convolutions with batch normalization.
public final class DCGANDiscriminator: Module, Discriminator {
    public let main: Sequential
    public let labelHead: LabelHead?

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

    public var usesBatchStatistics: Bool { true }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let count = images.shape[0]
        guard labelHead != nil else { return DiscriminatorOutput(logits: main(images).reshape([count])) }
        let maps = main(images, first: main.layers.count - 1)
        return DiscriminatorOutput(
            logits: main.layers.last!(maps).reshape([count]), maps: [], head: labelHead,
            features: maps.mean([2, 3]), labels: labels)
    }
}
