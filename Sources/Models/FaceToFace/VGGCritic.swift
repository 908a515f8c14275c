import Torch
import TorchNN

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
