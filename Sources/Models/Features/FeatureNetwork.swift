import Torch
import TorchNN

/// A network whose inner values pictures are judged by; in use, never trained, open to gradients of the pictures.
public protocol FeatureNetwork: Module {
    /// What numbers on these features are named after, such as `inception-pytorch-fid`.
    var name: String { get }

    /// Numbers for each picture.
    var featureCount: Int { get }

    /// [N, 3, H, W] in -1...1, any size, float32, to [N, featureCount]; resizes and normalizes as the network's publisher
    /// does.
    func features(_ images: Tensor) -> Tensor
}

extension FeatureNetwork {
    /// The type's.
    public var name: String { "\(Self.self)" }
}
