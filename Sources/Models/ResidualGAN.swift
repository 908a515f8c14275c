import Settings
import Torch
import TorchNN

/// Size of a residual network in the shape of Gulrajani et al. 2017 (arXiv:1704.00028), as their code has it for 64 x 64.
public struct ResidualSettings: SettingsGroup, Equatable {
    /// What precedes the ReLUs of a critic; batch normalisation would make a penalty on single pictures meaningless.
    public enum Normalization: String, Sendable, CaseIterable {
        /// Nothing: the penalty alone holds the scales.
        case none
        /// Over all values of a picture, with a scale and a shift for each channel, as the authors' code has it.
        case layer
    }

    /// Channels of the widest pictures; each halving of the resolution doubles them.
    public var filters = 64
    /// Channels are never more than this.
    public var maxFilters = 512
    /// Only of the critic; the generator always has batch normalisation.
    public var normalization = Normalization.none

    public init() {}

    /// The fields that both networks have.
    mutating func sizes(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...1024, "Channels next to the picture; doubled at each halving.")
        try v.integer("maxFilters", &maxFilters, in: 1...8192, "Upper limit of the channels.")
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try sizes(&v)
        try v.choice(
            "normalization", &normalization, "Before each ReLU of the critic: none, or over a picture.")
    }

    /// Channels from the picture inwards: one for each halving down to 4 x 4.
    func widths(_ resolution: Int) -> [Int] {
        DCGANSettings.widths(resolution, filters: filters, maxFilters: maxFilters)
    }
}

/// z [N, size] to pictures [N, 3, R, R]: dense to 4 x 4, then residual blocks that double the side.
public final class ResidualGenerator: Module, Generator {
    public let stem: Linear
    public let blocks: [Layer]
    public let norm: BatchNorm2d
    public let output: Conv2d
    public let latent: Latent
    public let resolution: Int

    public init(_ settings: ResidualSettings = .init(), latent: Latent, resolution: Int = 64) {
        let widths = Array(settings.widths(resolution).reversed())
        stem = Linear(latent.size, widths[0] * 16, initializer: ResidualInitializer.glorot)
        blocks = zip([widths[0]] + widths, widths).map { ResidualUpBlock($0, $1) }
        norm = BatchNorm2d(widths.last!)
        output = Conv2d(widths.last!, 3, kernel: 3, padding: 1, initializer: ResidualInitializer.he)
        self.latent = latent
        self.resolution = resolution
    }

    public func callAsFunction(_ z: Tensor) -> Tensor {
        // [N, widest x 16] to [N, widest, 4, 4]
        let start = stem(z).reshape([z.shape[0], -1, 4, 4])
        let features = norm(blocks.reduce(start) { $1.asPart($0) })
        features.relu_()
        return output(features).tanh()
    }
}

/// Pictures [N, 3, R, R] to logits [N]: residual blocks that halve the side down to 4 x 4, then dense.
public final class ResidualCritic: Module, Discriminator {
    public let input: Conv2d
    public let blocks: [Layer]
    public let head: Linear

    public init(_ settings: ResidualSettings = .init(), resolution: Int = 64) {
        let widths = settings.widths(resolution)
        input = Conv2d(3, widths[0], kernel: 3, padding: 1, initializer: ResidualInitializer.glorot)
        blocks = zip(widths, widths.dropFirst() + [widths.last!]).map {
            ResidualDownBlock($0, $1, normalization: settings.normalization)
        }
        head = Linear(widths.last! * 16, 1, initializer: ResidualInitializer.glorot)
    }

    public var usesBatchStatistics: Bool { false }

    public func callAsFunction(_ images: Tensor) -> Tensor {
        let features = blocks.reduce(input(images)) { $1.asPart($0) }
        // Logits have no bounds: with 8 bits of mantissa, the difference between real and fake would drown.
        return withAutocast(.float32, on: images.device) {
            head(features.to(head.weight.value.dtype).flattened(from: 1)).reshape([images.shape[0]])
        }
    }
}
