import Torch
import TorchNN

/// What a discriminator knows of labels: how well a picture fits them, <E y, h>, which adds to its logit (Miyato and Koyama
/// 2018, equation 3, with a sum of embeddings in place of one), and which it has, one logit each (Odena et al. 2017).
public final class LabelHead: Module {
    /// E: y [K] to [C], without bias.
    public let embed: Layer?
    /// h [C] to logits [K].
    public let classifier: Linear?

    /// - Parameters:
    ///   - features: length C of h.
    ///   - isSpectral: whether the embedding is spectrally normalized.
    /// - Returns: nil where there are no labels.
    public init?(_ features: Int, _ conditions: ConditionSettings, isSpectral: Bool = false) {
        let labels = conditions.attributes.count
        guard labels > 0 else { return nil }
        let weights = Initializer.xavierUniform()
        embed =
            !conditions.projection
            ? nil
            : isSpectral
                ? SpectralLinear(labels, features, bias: false, initializer: weights)
                : Linear(labels, features, bias: false, initializer: weights)
        classifier = conditions.classifier ? Linear(features, labels, initializer: weights) : nil
    }

    /// What labels add to the logits.
    /// - Parameters:
    ///   - features: h [N, C], such as sums over all positions.
    ///   - labels: y [N, K]; an unknown label is 0.
    /// - Returns: [N]; nil without an embedding.
    public func fit(_ features: Tensor, labels: Tensor) -> Tensor? {
        require(
            labels.rank == 2 && labels.shape[0] == features.shape[0],
            "LabelHead: expected labels for each of \(features.summary), got \(labels.summary)")
        guard let embed else { return nil }
        // Logits have no bounds: with 8 bits of mantissa, the difference between real and fake would drown.
        return withAutocast(.float32, on: features.device) {
            let h = features.atLeastSingle()
            return (embed(labels.to(h.dtype)) * h).sum([1])
        }
    }
}
