import Settings
import Torch
import TorchNN

/// A compact residual classifier of faces (He et al. 2016, basic blocks): pictures [N, 3, R, R] in -1...1 to logits
/// [N, outputs], by way of features [N, 8 width].
public final class FaceNetwork: Module {
    public let stem: Sequential
    public let blocks: [ResidualUnit]
    public let head: Linear

    /// - Parameters:
    ///   - width: channels after the first convolution; doubled at each of three halvings.
    ///   - depth: blocks at each size.
    ///   - stemStride: stride of the first convolution.
    public init(outputs: Int = 40, width: Int = 32, depth: Int = 2, stemStride: Int = 2) {
        let weights = Initializer.heNormal()
        stem = Sequential(
            Conv2d(3, width, kernel: 3, stride: stemStride, padding: 1, bias: false, initializer: weights),
            BatchNorm2d(width), Activation.relu())
        blocks = (0..<4).flatMap { level in
            (0..<depth).map { index in
                let isFirst = index == 0 && level > 0
                return ResidualUnit(
                    isFirst ? width << (level - 1) : width << level, width << level, stride: isFirst ? 2 : 1,
                    initializer: weights)
            }
        }
        head = Linear(width << 3, outputs)
    }

    /// Numbers in `features`: 8 width.
    public var featureCount: Int { head.weight.value.shape[1] }

    /// Maps that `maps` gives.
    public static let mapCount = 4

    /// The last maps of each of four sizes, from the pictures on: [N, width << level, h, h].
    public func maps(_ images: Tensor) -> [Tensor] {
        let depth = blocks.count / Self.mapCount
        var (maps, value) = ([Tensor](), stem(images))
        for (index, block) in blocks.enumerated() {
            value = block(value)
            if (index + 1) % depth == 0 { maps.append(value) }
        }
        return maps
    }

    /// [N, 3, R, R] to [N, 8 width].
    public func features(_ images: Tensor) -> Tensor {
        Self.pooled(blocks.reduce(stem(images)) { $1.checkpointed($0) })
    }

    public func callAsFunction(_ images: Tensor) -> Tensor { head(features(images)) }

    /// The same function with running statistics, faster, without gradients, and with the weights of now.
    public func folded() -> (Tensor) -> Tensor {
        let features = foldedFeatures()
        return { [head] in head(features($0)) }
    }

    /// `features` in the same way.
    public func foldedFeatures() -> (Tensor) -> Tensor {
        let stem = FoldedSequential(stem)
        let blocks = blocks.map { $0.folded() }
        return { images in Self.pooled(blocks.reduce(stem(images)) { $1($0) }) }
    }

    private static func pooled(_ maps: Tensor) -> Tensor { maps.mean([2, 3]) }
}

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
