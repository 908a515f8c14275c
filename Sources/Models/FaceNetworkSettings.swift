import Settings
import Torch
import TorchNN

/// Size of a face network.
public struct FaceNetworkSettings: SettingsGroup, Equatable {
    /// Channels at the first size; doubled at each of three halvings.
    public var width = 32
    /// Residual blocks at each size.
    public var depth = 2
    /// Stride of the first convolution: 1 for pictures of 64² and less, 2 for larger ones.
    public var stemStride = 1

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("width", &width, in: 4...256, "Channels at the first size, doubled three times.")
        try v.integer("depth", &depth, in: 1...8, "Residual blocks at each of four sizes.")
        try v.integer("stemStride", &stemStride, in: 1...4, "Stride of the first convolution.")
    }

    /// A network with starting values from `random`.
    public func make(outputs: Int, random: RandomSource) -> FaceNetwork {
        let network = FaceNetwork(outputs: outputs, width: width, depth: depth, stemStride: stemStride)
        network.initialize(random)
        return network
    }
}
