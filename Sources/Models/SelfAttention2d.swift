import Settings
import Torch
import TorchNN

/// Self-attention over positions, added to the input (Zhang et al. 2019, arXiv:1805.08318, section 3). Keys and
/// values have half the resolution, as in the authors' code.
///
/// Input and output [N, C, H, W] with even H and W and C divisible by 8.
public final class SelfAttention2d: Layer {
    /// 1 x 1 convolution, C to C / 8.
    public let query: Layer
    /// 1 x 1 convolution, C to C / 8.
    public let key: Layer
    /// 1 x 1 convolution, C to C / 2.
    public let value: Layer
    /// 1 x 1 convolution, C / 2 to C.
    public let output: Layer
    /// Weight of the attention output, []. Initially 0, so that a network learns local features first.
    public let gamma: Parameter

    /// Parameterization of the 1 x 1 convolutions.
    public enum Weights: Sendable {
        /// Plain weights.
        case plain
        /// Spectral normalization, as in the paper.
        case spectral
        /// Equalized learning rate. With the learning rates of such networks, plain weights saturate the attention.
        case equalized
    }

    /// Creates a layer for C channels.
    /// - Parameters:
    ///   - channels: number of channels C, divisible by 8.
    ///   - weights: parameterization of the convolutions.
    public init(_ channels: Int, weights: Weights = .plain) {
        require(
            channels % 8 == 0,
            "SelfAttention2d: expected a number of channels divisible by 8, got \(channels)")
        func pointwise(_ inputs: Int, _ outputs: Int) -> Layer {
            switch weights {
            case .plain: Conv2d(inputs, outputs, kernel: 1, bias: false, initializer: .xavierUniform())
            case .spectral:
                SpectralConv2d(inputs, outputs, kernel: 1, bias: false, initializer: .xavierUniform())
            case .equalized: EqualizedConv2d(inputs, outputs, kernel: 1, bias: false, gain: 1)
            }
        }
        query = pointwise(channels, channels / 8)
        key = pointwise(channels, channels / 8)
        value = pointwise(channels, channels / 2)
        output = pointwise(channels / 2, channels)
        gamma = Parameter(shape: [])
    }

    /// Applies the layer: [N, C, H, W] to [N, C, H, W].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let shape = input.shape
        let queries = query(input).flattened(from: 2)
        let keys = key(input).maxPool2d(2, stride: 2).flattened(from: 2)
        let values = value(input).maxPool2d(2, stride: 2).flattened(from: 2)
        // [N, H W, H W / 4]. bfloat16 is too coarse for attention weights, which sum to 1.
        let scores = queries.transposed(1, 2).matmul(keys).atLeastSingle()
        let attention = scores.softmax(2).to(values.dtype)
        let attended = values.matmul(attention.transposed(1, 2)).reshape(
            [shape[0], shape[1] / 2] + shape[2...])
        return input + output(attended) * gamma.value
    }

    /// Initializes all parameters from a stream; gamma is 0.
    public override func initialize(_ random: RandomSource) {
        super.initialize(random)
        Initializer.zeros.fill(gamma.value, random: random)
    }
}

/// Self-attention of a network. The field is part of the fields of the family.
public struct AttentionSettings: SettingsGroup, Equatable {
    /// Side of the maps with self-attention; 0 for none.
    public var side = 0

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "attentionSide", &side, in: 0...512, "Side of the maps with self-attention, in pixels; 0: none.")
    }

    /// Layer for maps of one size; nil if they have no self-attention.
    func layer(for maps: (side: Int, channels: Int), weights: SelfAttention2d.Weights) -> SelfAttention2d? {
        maps.side == side ? SelfAttention2d(maps.channels, weights: weights) : nil
    }

    /// Requested side and the channels of the maps of that side; nil channels if the network has no such maps.
    func place(among maps: [(side: Int, channels: Int)]) -> (side: Int, channels: Int?) {
        (side, maps.first { $0.side == side }?.channels)
    }
}
