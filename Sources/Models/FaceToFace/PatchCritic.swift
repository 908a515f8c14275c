import Settings
import Torch
import TorchNN

/// U-Net discriminator for patches and pixels (Schönfeld et al. 2020, arXiv:2002.12655), with the sizes of the GAN
/// module of DeepFaceLab.
///
/// The encoder consists of strided 3 x 3 convolutions whose receptive field approximates the patch size. There is one
/// logit per patch after the encoder, and one per pixel after the decoder. No normalization.
public final class PatchCritic: Module, Discriminator {
    let input: Conv2d
    let down: [Conv2d]
    let centreOutput: Conv2d
    let centre: Conv2d
    let up: [ConvTranspose2d]
    let output: Conv2d
    /// Strides of the encoder.
    public let strides: [Int]

    private static let maxFilters = 512

    /// Creates a critic with uninitialized weights.
    /// - Parameters:
    ///   - patchSize: approximate side of the receptive field of a patch logit, in pixels.
    ///   - filters: channels at the picture resolution; doubled at each level, at most 512.
    public init(patchSize: Int = 16, filters: Int = 16) {
        let strides = PatchFields.strides(patchSize: patchSize)
        self.strides = strides
        let widths = (0...strides.count).map { min(filters << $0, Self.maxFilters) }
        let weights = Initializer.xavierUniform()
        input = Conv2d(3, widths[0], kernel: 1, initializer: weights)
        down = strides.indices.map {
            Conv2d(
                widths[$0], widths[$0 + 1], kernel: 3, stride: strides[$0], padding: 1, initializer: weights)
        }
        centreOutput = Conv2d(widths.last!, 1, kernel: 1, initializer: weights)
        centre = Conv2d(widths.last!, widths.last!, kernel: 1, initializer: weights)
        // From the innermost level. Each level but the innermost has a skip connection from the encoder.
        up = strides.indices.reversed().map { level in
            let inputs = widths[level + 1] * (level == strides.count - 1 ? 1 : 2)
            return ConvTranspose2d(
                inputs, widths[level], kernel: 3, stride: strides[level], padding: 1,
                outputPadding: strides[level] - 1, initializer: weights)
        }
        output = Conv2d(2 * widths[0], 1, kernel: 1, initializer: weights)
    }

    /// False: a logit depends on its own picture only.
    public var usesBatchStatistics: Bool { false }

    /// Computes patch logits [N, h w] and pixel logits [N, H W] of pictures [N, 3, H, W]. H and W are multiples of
    /// the product of the strides. Ignores labels.
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        var value = input(images).leakyReLU(0.2)
        var maps: [Tensor] = []
        for layer in down {
            maps.append(value)
            value = layer(value).leakyReLU(0.2)
        }
        let patches = centreOutput(value).flattened(from: 1)
        value = centre(value).leakyReLU(0.2)
        for (layer, map) in zip(up, maps.reversed()) {
            value = Tensor.concatenated([layer(value).leakyReLU(0.2), map], 1)
        }
        var result = DiscriminatorOutput(logits: patches)
        result.pixels = output(value).flattened(from: 1)
        return result
    }
}

/// Strides of 3 x 3 convolutions for a receptive field of a given size.
public enum PatchFields {
    /// Maximum number of convolutions.
    static let maxLayers = 9

    /// Strides, the first of which is 2, whose receptive field is nearest to `patchSize`. Among equal ones, prefers
    /// fewer layers, then larger strides.
    public static func strides(patchSize: Int) -> [Int] {
        var best: [Int] = [2]
        func rank(_ strides: [Int]) -> (Int, Int, Int) {
            (abs(field(strides) - patchSize), strides.count, -strides.reduce(0, +))
        }
        for count in 1...maxLayers {
            for choice in 0..<(1 << (count - 1)) {
                let strides = [2] + (0..<(count - 1)).map { choice >> $0 & 1 == 1 ? 2 : 1 }
                if rank(strides) < rank(best) { best = strides }
            }
        }
        return best
    }

    /// Side of the receptive field of 3 x 3 convolutions with these strides, in pixels.
    public static func field(_ strides: [Int]) -> Int {
        var (side, step) = (1, 1)
        for stride in strides {
            side += 2 * step
            step *= stride
        }
        return side
    }
}

/// Discriminator of super resolution (Ledig et al. 2017, arXiv:1609.04802), with the kernels of BasicSR: pairs of 3 x
/// 3 and strided 4 x 4 convolutions down to 4 x 4, then two dense layers.
///
/// Pictures [N, 3, R, R] to logits [N].
public final class VGGCritic: Module, Discriminator {
    let main: Sequential
    let dense: Linear
    let head: Linear

    private static let denseWidth = 100

    /// Creates a critic with uninitialized weights.
    /// - Parameters:
    ///   - filters: channels at the picture resolution; doubled at each halving, at most eight times as many.
    ///   - resolution: side R of the pictures, a power of two from 8.
    public init(filters: Int = 64, resolution: Int) {
        let halvings = resolution.trailingZeroBitCount - 2
        var layers: [Layer] = []
        var inputs = 3
        for level in 0..<halvings {
            let outputs = min(filters << level, 8 * filters)
            layers += [Conv2d(inputs, outputs, kernel: 3, padding: 1, bias: level == 0)]
            if level > 0 { layers.append(BatchNorm2d(outputs)) }
            layers += [
                Activation.leakyReLU(0.2),
                Conv2d(outputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false),
                BatchNorm2d(outputs), Activation.leakyReLU(0.2),
            ]
            inputs = outputs
        }
        main = Sequential(layers)
        dense = Linear(16 * inputs, Self.denseWidth)
        head = Linear(Self.denseWidth, 1)
    }

    /// True: batch normalization makes a logit depend on the batch.
    public var usesBatchStatistics: Bool { true }

    /// Computes logits [N] of pictures [N, 3, R, R]. Ignores labels.
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let flat = main(images).contiguous().flattened(from: 1)
        return DiscriminatorOutput(logits: head(dense(flat).leakyReLU(0.2)).flattened())
    }
}

/// Critic for restored pictures: network family and size.
public struct CriticSettings: SettingsGroup, Equatable {
    /// Network families, by their names in recipes.
    public enum Kind: String, Sendable, CaseIterable {
        /// U-Net with logits for patches and pixels.
        case unet
        /// Strided 5 x 5 convolutions, then one dense layer.
        case dense
        /// Pairs of convolutions, then two dense layers (super resolution).
        case vgg
    }

    /// Network family.
    public var kind = Kind.unet
    /// Side of the receptive field of a patch logit of the U-Net, in pixels.
    public var patchSize = 16
    /// Channels at the picture resolution; doubled at each halving of the side.
    public var filters = 16

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Network family of the critic.")
        try v.integer(
            "filters", &filters, in: 1...512,
            "Channels at the picture resolution; doubled at each halving of the side.")
        if kind == .unet {
            try v.integer(
                "patchSize", &patchSize, in: 3...640,
                "Side of the receptive field of a patch logit, in pixels.")
        }
    }

    /// Divisor of the sides of accepted pictures, in pixels.
    public var sideUnit: Int {
        kind == .unet ? PatchFields.strides(patchSize: patchSize).reduce(1, *) : 8
    }

    /// Creates a critic with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of the pictures, in pixels.
    ///   - random: stream of the initial weights.
    public func make(resolution: Int, random: RandomSource) -> any Discriminator {
        let network: any Discriminator
        switch kind {
        case .unet: network = PatchCritic(patchSize: patchSize, filters: filters)
        case .dense:
            var settings = DenseDCGANSettings()
            (settings.filters, settings.maxFilters) = (filters, 8 * filters)
            network = DenseDCGANDiscriminator(settings, resolution: resolution)
        case .vgg: network = VGGCritic(filters: filters, resolution: resolution)
        }
        network.initialize(random)
        return network
    }
}
