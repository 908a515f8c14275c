import Torch
import TorchNN

/// AttGAN's critic (He et al. 2019): strided 4 x 4 with instance normalization, then a logit and the attributes, each through a
/// dense layer of their own. [N, 3, R, R] to logits [N] and attributes [N, K]. With projection, a picture must also be real for
/// its labels.
public final class ConverterCritic: Module, Discriminator {
    let main: Sequential
    let dense: Linear
    let head: Linear
    let attributeDense: Linear
    let attributeHead: Linear
    let labelHead: LabelHead?

    public init(_ settings: ConverterSettings = .init(), resolution: Int, conditions: ConditionSettings) {
        let widths = (0..<settings.levels).map { min(settings.criticFilters << $0, settings.maxFilters) }
        main = Sequential(
            zip([3] + widths, widths).enumerated().flatMap { level, pair -> [Layer] in
                let last = resolution >> (level + 1) == 1
                return [Conv2d(pair.0, pair.1, kernel: 4, stride: 2, padding: 1)]
                    // One pixel a channel has no statistics.
                    + (last ? [] : [InstanceNorm2d(pair.1, affine: true)])
                    + [Activation("leaky relu 0.2") { $0.leakyReLU(0.2) }]
            })
        let side = resolution >> settings.levels
        let flat = widths.last! * side * side
        dense = Linear(flat, settings.criticWidth)
        head = Linear(settings.criticWidth, 1)
        attributeDense = Linear(flat, settings.criticWidth)
        attributeHead = Linear(settings.criticWidth, conditions.attributes.count)
        var fit = conditions
        fit.classifier = false
        labelHead = conditions.projection ? LabelHead(settings.criticWidth, fit) : nil
    }

    public var usesBatchStatistics: Bool { false }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let flat = main(images).contiguous().flattened(from: 1)
        let features = dense(flat).leakyReLU(0.2)
        var verdict = DiscriminatorOutput(
            logits: head(features).flattened(), maps: [], head: labelHead, features: features, labels: labels)
        verdict.attributes = attributeHead(attributeDense(flat).leakyReLU(0.2))
        return verdict
    }
}
