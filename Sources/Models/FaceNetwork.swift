import Settings
import Torch
import TorchNN

/// Compact residual classifier of faces (He et al. 2016, basic blocks).
///
/// Pictures [N, 3, R, R] in -1...1 to features [N, 8 width] to logits [N, outputs].
public final class FaceNetwork: Module {
    /// First convolution, [N, 3, R, R] to [N, width, R / stride, R / stride].
    public let stem: Sequential
    /// Residual blocks of four levels. The first block of levels 1 to 3 halves the side.
    public let blocks: [ResidualUnit]
    /// Output layer, [N, 8 width] to [N, outputs].
    public let head: Linear

    /// Creates a network with uninitialized weights.
    /// - Parameters:
    ///   - outputs: number of logits.
    ///   - width: channels of the first level; doubled at each of three halvings.
    ///   - depth: blocks per level.
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

    /// Length of a feature vector: 8 width.
    public var featureCount: Int { head.weight.value.shape[1] }

    /// Number of maps that `maps` returns.
    public static let mapCount = 4

    /// Last maps of each of the four levels, [N, width << level, h, h], for pictures [N, 3, R, R] in -1...1.
    public func maps(_ images: Tensor) -> [Tensor] {
        let depth = blocks.count / Self.mapCount
        var (maps, value) = ([Tensor](), stem(images))
        for (index, block) in blocks.enumerated() {
            value = block(value)
            if (index + 1) % depth == 0 { maps.append(value) }
        }
        return maps
    }

    /// Features [N, 8 width] of pictures [N, 3, R, R] in -1...1: means of the last maps.
    public func features(_ images: Tensor) -> Tensor {
        Self.pooled(blocks.reduce(stem(images)) { $1.checkpointed($0) })
    }

    /// Logits [N, outputs] of pictures [N, 3, R, R] in -1...1.
    public func callAsFunction(_ images: Tensor) -> Tensor { head(features(images)) }

    /// Returns the network for inference, [N, 3, R, R] to [N, outputs].
    ///
    /// Batch normalization with running statistics is folded into the current weights. The result has no gradients.
    public func folded() -> (Tensor) -> Tensor {
        let features = foldedFeatures()
        return { [head] in head(features($0)) }
    }

    /// Returns `features` for inference, [N, 3, R, R] to [N, 8 width], with folded batch normalization.
    public func foldedFeatures() -> (Tensor) -> Tensor {
        let stem = FoldedSequential(stem)
        let blocks = blocks.map { $0.folded() }
        return { images in Self.pooled(blocks.reduce(stem(images)) { $1($0) }) }
    }

    private static func pooled(_ maps: Tensor) -> Tensor { maps.mean([2, 3]) }
}

/// Size of a face network.
public struct FaceNetworkSettings: SettingsGroup, Equatable {
    /// Channels of the first level; doubled at each of three halvings.
    public var width = 32
    /// Residual blocks per level.
    public var depth = 2
    /// Stride of the first convolution: 1 for pictures up to 64 x 64, 2 for larger ones.
    public var stemStride = 1

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "width", &width, in: 4...256, "Channels of the first level; doubled at each of three halvings.")
        try v.integer("depth", &depth, in: 1...8, "Residual blocks in each of four levels.")
        try v.integer("stemStride", &stemStride, in: 1...4, "Stride of the first convolution.")
    }

    /// Creates a network with initial weights from `random`.
    /// - Parameters:
    ///   - outputs: number of logits.
    ///   - random: stream of the initial weights.
    public func make(outputs: Int, random: RandomSource) -> FaceNetwork {
        let network = FaceNetwork(outputs: outputs, width: width, depth: depth, stemStride: stemStride)
        network.initialize(random)
        return network
    }
}

/// Basic residual block (He et al. 2016): two 3 x 3 convolutions with batch normalization and a shortcut.
/// [N, in, H, W] to [N, out, H / stride, W / stride].
public final class ResidualUnit: Layer {
    /// Convolutions and normalizations.
    public let main: Sequential
    /// 1 x 1 shortcut; nil if input and output have the same shape.
    public let shortcut: Sequential?

    /// Creates a block.
    /// - Parameters:
    ///   - inputs: input channels.
    ///   - outputs: output channels.
    ///   - stride: stride of the first convolution.
    ///   - initializer: initializer of the weights.
    public init(_ inputs: Int, _ outputs: Int, stride: Int = 1, initializer: Initializer = .heNormal()) {
        main = Sequential(
            Conv2d(
                inputs, outputs, kernel: 3, stride: stride, padding: 1, bias: false, initializer: initializer),
            BatchNorm2d(outputs), Activation.relu(),
            Conv2d(outputs, outputs, kernel: 3, padding: 1, bias: false, initializer: initializer),
            BatchNorm2d(outputs))
        shortcut =
            stride == 1 && inputs == outputs
            ? nil
            : Sequential(
                Conv2d(
                    inputs, outputs, kernel: 1, stride: stride, bias: false, initializer: initializer),
                BatchNorm2d(outputs))
    }

    /// Applies the block: [N, in, H, W] to [N, out, H / stride, W / stride].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        (main(input) + (shortcut?(input) ?? input)).relu()
    }

    /// Block for inference with folded batch normalization; see `FoldedSequential`.
    func folded() -> (Tensor) -> Tensor {
        let main = FoldedSequential(main)
        let shortcut = shortcut.map { FoldedSequential($0) }
        return { input in
            let sum = main(input)
            sum.add_(shortcut?(input) ?? input)
            sum.relu_()
            return sum
        }
    }
}
