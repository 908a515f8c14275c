import Settings
import Torch
import TorchNN

/// Tells real patches from made ones at two scales: a U-Net (Schönfeld et al. 2020) as DeepFaceLab's GAN module sizes it.
///
/// Going down, 3 x 3 convolutions with strides that see patches of the asked size; one logit for each patch in the middle, one
/// for each pixel at the end. No normalization.
public final class PatchCritic: Module, Discriminator {
    let input: Conv2d
    let down: [Conv2d]
    let centreOutput: Conv2d
    let centre: Conv2d
    let up: [ConvTranspose2d]
    let output: Conv2d
    /// Strides on the way down.
    public let strides: [Int]

    private static let mostFilters = 512

    /// - Parameters:
    ///   - patchSize: side of what a logit in the middle sees, in pixels, about.
    ///   - filters: channels next to the picture; doubled at each level, at most 512.
    public init(patchSize: Int = 16, filters: Int = 16) {
        let strides = PatchFields.strides(patchSize: patchSize)
        self.strides = strides
        let widths = (0...strides.count).map { min(filters << $0, Self.mostFilters) }
        let weights = Initializer.xavierUniform()
        input = Conv2d(3, widths[0], kernel: 1, initializer: weights)
        down = strides.indices.map {
            Conv2d(
                widths[$0], widths[$0 + 1], kernel: 3, stride: strides[$0], padding: 1, initializer: weights)
        }
        centreOutput = Conv2d(widths.last!, 1, kernel: 1, initializer: weights)
        centre = Conv2d(widths.last!, widths.last!, kernel: 1, initializer: weights)
        // From the middle outwards; each but the first sees the map of its level from the way down, too.
        up = strides.indices.reversed().map { level in
            let inputs = widths[level + 1] * (level == strides.count - 1 ? 1 : 2)
            return ConvTranspose2d(
                inputs, widths[level], kernel: 3, stride: strides[level], padding: 1,
                outputPadding: strides[level] - 1, initializer: weights)
        }
        output = Conv2d(2 * widths[0], 1, kernel: 1, initializer: weights)
    }

    public var usesBatchStatistics: Bool { false }

    /// Logits of patches [N, h w] as the verdict's own, of pixels [N, H W] as a second opinion. Sides are multiples of the
    /// strides' product.
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
        var verdict = DiscriminatorOutput(logits: patches)
        verdict.pixels = output(value).flattened(from: 1)
        return verdict
    }
}

/// Which strides of 3 x 3 convolutions see patches of a size.
public enum PatchFields {
    /// More convolutions than these are not tried.
    static let mostLayers = 9

    /// Strides, the first 2, whose receptive field is nearest to `patchSize`: the fewest layers, then the largest strides.
    public static func strides(patchSize: Int) -> [Int] {
        var best: [Int] = [2]
        func rank(_ strides: [Int]) -> (Int, Int, Int) {
            (abs(field(strides) - patchSize), strides.count, -strides.reduce(0, +))
        }
        for count in 1...mostLayers {
            for choice in 0..<(1 << (count - 1)) {
                let strides = [2] + (0..<(count - 1)).map { choice >> $0 & 1 == 1 ? 2 : 1 }
                if rank(strides) < rank(best) { best = strides }
            }
        }
        return best
    }

    /// Side of the patch that one output of 3 x 3 convolutions with these strides depends on.
    public static func field(_ strides: [Int]) -> Int {
        var (side, step) = (1, 1)
        for stride in strides {
            side += 2 * step
            step *= stride
        }
        return side
    }
}

/// Pictures [N, 3, R, R] to logits [N], as super resolution trains against: pairs of 3 x 3 and strided 4 x 4 down to 4 x 4, then
/// two dense layers (Ledig et al. 2017, with BasicSR's kernels).
public final class VGGCritic: Module, Discriminator {
    let main: Sequential
    let dense: Linear
    let head: Linear

    private static let denseWidth = 100

    /// - Parameters:
    ///   - filters: channels next to the picture; doubled at each halving, at most eight times as many.
    ///   - resolution: a power of two, 8 or more.
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

    public var usesBatchStatistics: Bool { true }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let flat = main(images).contiguous().flattened(from: 1)
        return DiscriminatorOutput(logits: head(dense(flat).leakyReLU(0.2)).flattened())
    }
}

/// Which critic judges restored pictures, and its size.
public struct CriticSettings: SettingsGroup, Equatable {
    /// The families that a recipe can name.
    public enum Kind: String, Sendable, CaseIterable {
        /// A U-Net that judges patches and pixels.
        case unet
        /// Strided 5 x 5 convolutions, then one dense layer.
        case dense
        /// Pairs of convolutions, then two dense layers, as super resolution has it.
        case vgg
    }

    public var kind = Kind.unet
    /// Side of what a logit in the middle of the U-Net sees.
    public var patchSize = 16
    /// Channels next to the picture.
    public var filters = 16

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family of networks.")
        try v.integer(
            "filters", &filters, in: 1...512, "Channels next to the picture; doubled at each halving.")
        if kind == .unet {
            try v.integer(
                "patchSize", &patchSize, in: 3...640, "Side of the patches that are judged, in pixels.")
        }
    }

    /// Sides of pictures are multiples of this.
    public var sideUnit: Int {
        kind == .unet ? PatchFields.strides(patchSize: patchSize).reduce(1, *) : 8
    }

    /// A critic with starting values from `random`.
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
