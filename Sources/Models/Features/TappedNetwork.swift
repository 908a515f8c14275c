import Torch
import TorchNN

/// A feature network whose inner maps can be had, too.
public protocol TappedNetwork: FeatureNetwork {
    /// What its pictures must be.
    var normalization: PictureNormalization { get }

    /// Channels of each map that `taps` gives.
    var tapChannels: [Int] { get }

    /// Maps [N, C, h, w] after chosen activations, from the pictures on; takes normalized pictures of any size.
    func taps(_ normalized: Tensor) -> [Tensor]
}
