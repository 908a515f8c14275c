import Models
import Torch

/// A network that describes pictures, and the name that its metrics carry.
public struct FeatureExtractor {
    /// As in `fd-face`.
    public let name: String
    /// SHA-256 of its weights.
    public let digest: String
    public let featureCount: Int
    /// Names of its answers, where it has any.
    public let answers: [String]
    private let function: (Tensor) -> (features: Tensor, logits: Tensor?)

    /// - Parameter function: pictures [N, 3, H, H] in -1...1 to features [N, featureCount] and perhaps logits.
    public init(
        name: String, digest: String, featureCount: Int, answers: [String] = [],
        _ function: @escaping (Tensor) -> (features: Tensor, logits: Tensor?)
    ) {
        (self.name, self.digest, self.featureCount) = (name, digest, featureCount)
        (self.answers, self.function) = (answers, function)
    }

    /// Features [N, featureCount] and logits, float32.
    public func callAsFunction(_ images: Tensor) -> (features: Tensor, logits: Tensor?) {
        withoutGradients {
            let found = function(images)
            return (found.features.to(.float32), found.logits?.to(.float32))
        }
    }
}
