import Torch
import TorchNN

/// What a discriminator says of pictures.
public struct DiscriminatorOutput {
    /// [N], or [N, S] where S parts have an opinion each; greater means more real.
    public var logits: Tensor
    /// Logits of single pixels, [N, P], a game of their own; nil where the discriminator judges larger parts alone.
    public var pixels: Tensor?
    /// Logits of the labels, [N, K]; nil where the discriminator does not name them.
    public var attributes: Tensor?
    /// Inner maps [N, C, h, w] from the pictures on, where the family offers them.
    public var maps: [Tensor]

    public init(logits: Tensor, attributes: Tensor? = nil, maps: [Tensor] = []) {
        (self.logits, self.attributes, self.maps) = (logits, attributes, maps)
    }

    /// - Parameters:
    ///   - logits: [N], without labels.
    ///   - features: what the head judges labels by, [N, C]; needed where there is a head.
    init(logits: Tensor, maps: [Tensor], head: LabelHead?, features: Tensor?, labels: Tensor?) {
        guard let head, let features else {
            self.init(logits: logits, maps: maps)
            return
        }
        let fit = labels.flatMap { head.fit(features, labels: $0) }
        self.init(
            logits: fit.map { logits.to($0.dtype) + $0 } ?? logits,
            attributes: head.classifier.map { $0(features.atLeastSingle()) }, maps: maps)
    }
}
