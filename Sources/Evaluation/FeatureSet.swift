import Metrics
import Torch

/// What is known of a set of pictures through one network's eyes.
public struct FeatureSet {
    /// Over all pictures.
    public let moments: FeatureMoments
    /// Features of at most `FeaturePass.sampleCount` pictures, evenly chosen, [S, D] float32.
    public let sample: Tensor
    /// The network's answers for the same pictures, [S, A]; nil where it gives none.
    public let logits: Tensor?
    /// Which pictures the rows of the sample are.
    public let rows: [Int]
}
