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
    let centerOutput: Conv2d
    let center: Conv2d
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
        centerOutput = Conv2d(widths.last!, 1, kernel: 1, initializer: weights)
        center = Conv2d(widths.last!, widths.last!, kernel: 1, initializer: weights)
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
        let patches = centerOutput(value).flattened(from: 1)
        value = center(value).leakyReLU(0.2)
        for (layer, map) in zip(up, maps.reversed()) {
            value = Tensor.concatenated([layer(value).leakyReLU(0.2), map], 1)
        }
        var verdict = DiscriminatorOutput(logits: patches)
        verdict.pixels = output(value).flattened(from: 1)
        return verdict
    }
}
