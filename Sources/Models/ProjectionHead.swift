import Torch
import TorchNN

/// A discriminator's last layer that also weighs how well a picture fits its labels: logit + <E y, h> (Miyato and Koyama
/// 2018, equation 3, with a sum of embeddings in place of one).
public final class ProjectionHead: Module {
    /// h [C] to the logit without labels.
    public let linear: Layer
    /// E: y [K] to [C], without bias.
    public let embed: Layer

    /// - Parameters:
    ///   - features: length C of h.
    ///   - labels: length K of y.
    ///   - isSpectral: whether both are spectrally normalised.
    public init(_ features: Int, labels: Int, isSpectral: Bool = false) {
        func dense(_ inputs: Int, _ outputs: Int, bias: Bool) -> Layer {
            isSpectral
                ? SpectralLinear(inputs, outputs, bias: bias, initializer: .xavierUniform())
                : Linear(inputs, outputs, bias: bias, initializer: .xavierUniform())
        }
        linear = dense(features, 1, bias: true)
        embed = dense(labels, features, bias: false)
    }

    /// - Parameters:
    ///   - features: h [N, C], such as sums over all positions.
    ///   - labels: y [N, K]; an unknown label is 0.
    /// - Returns: [N].
    public func callAsFunction(_ features: Tensor, labels: Tensor) -> Tensor {
        require(
            labels.rank == 2 && labels.shape[0] == features.shape[0],
            "ProjectionHead: expected labels for each of \(features.summary), got \(labels.summary)")
        // Logits have no bounds: with 8 bits of mantissa, the difference between real and fake would drown.
        return withAutocast(.float32, on: features.device) {
            let h = features.atLeastSingle()
            return linear(h).squeezed(1) + (embed(labels.to(h.dtype)) * h).sum([1])
        }
    }
}
