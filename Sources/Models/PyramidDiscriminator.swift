import Torch
import TorchNN

/// Several discriminators of one kind, each at half the side of the one before (Wang et al. 2018, section 3.2).
///
/// Pictures [N, 3, R, R] to logits [N, S]. A growing one skips the parts whose pictures would be smaller than 4.
public final class PyramidDiscriminator: Module, Discriminator, Growing {
    public let discriminators: [any Discriminator]

    /// - Parameter discriminators: for sides R, R / 2, ...
    public init(_ discriminators: [any Discriminator]) { self.discriminators = discriminators }

    public var usesBatchStatistics: Bool { discriminators.contains(where: \.usesBatchStatistics) }

    public var growth: Growth {
        // Parts that do not grow are always at their full side.
        get { (discriminators[0] as? any Growing)?.growth ?? Growth(side: 1024) }
        set {
            for (index, part) in discriminators.enumerated() where newValue.side >> index >= 4 {
                (part as? any Growing)?.growth = Growth(side: newValue.side >> index, alpha: newValue.alpha)
            }
        }
    }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        var (images, verdicts) = (images, [DiscriminatorOutput]())
        for (index, part) in discriminators.enumerated() where images.shape[2] >= 4 {
            verdicts.append(part(images, labels: labels))
            if index < discriminators.count - 1 { images = Self.halved(images) }
        }
        let attributes = verdicts.compactMap(\.attributes)
        return DiscriminatorOutput(
            logits: Tensor.stacked(verdicts.map(\.logits), 1),
            attributes: attributes.isEmpty
                ? nil : attributes.dropFirst().reduce(attributes[0]) { $0 + $1 } / Double(attributes.count),
            maps: verdicts.flatMap(\.maps))
    }

    /// Half the side without aliases: [1, 3, 3, 1] / 8 in each direction, which is the mean of neighbors three times.
    private static func halved(_ images: Tensor) -> Tensor {
        images.reflectionPadded([1, 1, 1, 1]).averagePool2d(2, stride: 1).averagePool2d(2, stride: 1)
            .averagePool2d(2, stride: 2)
    }
}
