import Settings
import Torch
import TorchNN

/// Attention of every position to all others, added to the input (Zhang et al. 2019, section 3, as the authors' code has
/// it: keys and values at half the resolution). Input and output [N, C, H, W] with even sides; C divides by 8.
public final class SelfAttention2d: Layer {
    /// C to C / 8.
    public let query: Layer
    /// C to C / 8.
    public let key: Layer
    /// C to C / 2.
    public let value: Layer
    /// C / 2 to C.
    public let output: Layer
    /// What the attention is multiplied by, []; 0 at first, so that a network learns to look near before it looks far.
    public let gamma: Parameter

    /// How the 1 x 1 convolutions keep their size.
    public enum Weights: Sendable {
        case plain
        /// By their largest singular value, as the authors' do.
        case spectral
        /// By an equalized rate: at rates for such weights, plain ones make shares of all or nothing, and pictures of flat
        /// regions with outlines.
        case equalized
    }

    public init(_ channels: Int, weights: Weights = .plain) {
        require(channels % 8 == 0, "SelfAttention2d: expected channels that divide by 8, got \(channels)")
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

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let shape = input.shape
        let queries = query(input).flattened(from: 2)
        let keys = key(input).maxPool2d(2, stride: 2).flattened(from: 2)
        let values = value(input).maxPool2d(2, stride: 2).flattened(from: 2)
        // [N, H W, H W / 4]; shares that sum to 1 need more than 8 bits.
        let scores = queries.transposed(1, 2).matmul(keys).atLeastSingle()
        let shares = scores.softmax(2).to(values.dtype)
        let seen = values.matmul(shares.transposed(1, 2)).reshape([shape[0], shape[1] / 2] + shape[2...])
        return input + output(seen) * gamma.value
    }

    public override func initialize(_ random: RandomSource) {
        super.initialize(random)
        Initializer.zeros.fill(gamma.value, random: random)
    }
}

/// Where a network of some family gets self-attention; its field stands among the family's.
public struct AttentionSettings: SettingsGroup, Equatable {
    /// Side of the maps that get it; 0 for none.
    public var side = 0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "attentionSide", &side, in: 0...512, "Side of the maps that get self-attention; 0: none.")
    }

    /// The layer for maps of one size; nil where they do not get it.
    func layer(for maps: (side: Int, channels: Int), weights: SelfAttention2d.Weights) -> SelfAttention2d? {
        maps.side == side ? SelfAttention2d(maps.channels, weights: weights) : nil
    }

    /// The side that is asked for, and the channels of the network's maps of that side; nil where it leaves none.
    func place(among maps: [(side: Int, channels: Int)]) -> (side: Int, channels: Int?) {
        (side, maps.first { $0.side == side }?.channels)
    }
}
