import Torch

/// Group normalization (Wu and He 2018). Input and output [N, C, H, W].
public final class GroupNorm: Layer {
    /// Scale, [C]; nil if the layer is not affine.
    public let weight: Parameter?
    /// Shift, [C]; nil if the layer is not affine.
    public let bias: Parameter?
    private let groups: Int
    private let epsilon: Double

    /// Creates a layer for C = `channels` in `groups` groups.
    /// - Parameters:
    ///   - groups: number of groups; divides `channels`.
    ///   - channels: number of channels C.
    ///   - affine: whether the layer has a scale and shift.
    ///   - epsilon: term added to the variance.
    public init(_ groups: Int, _ channels: Int, affine: Bool = true, epsilon: Double = 1e-5) {
        require(
            channels % groups == 0,
            "GroupNorm: expected channels divisible by \(groups) groups, got \(channels)")
        weight = affine ? Parameter(onesOf: [channels]) : nil
        bias = affine ? Parameter(shape: [channels]) : nil
        (self.groups, self.epsilon) = (groups, epsilon)
    }

    /// Applies the layer: [N, C, H, W] to the same shape.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        // libtorch's channels-last kernel computes the variance as a difference of squares. Its penalty gradients have
        // fifty times the rounding error of the contiguous kernel.
        let isLast = input.rank == 4 && !input.isContiguous() && input.isContiguous(.channelsLast)
        let result = input.contiguous()
            .groupNorm(groups: groups, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
        return isLast ? result.to(.channelsLast) : result
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(groups) groups" }
}

/// Instance normalization (Ulyanov et al. 2016): each channel of each image separately. Input and output [N, C, H, W].
public final class InstanceNorm2d: Layer {
    /// Scale, [C]; nil if the layer is not affine.
    public let weight: Parameter?
    /// Shift, [C]; nil if the layer is not affine.
    public let bias: Parameter?
    private let channels: Int
    private let epsilon: Double

    /// Creates a layer for C = `channels`.
    /// - Parameters:
    ///   - channels: number of channels C.
    ///   - affine: whether the layer has a scale and shift.
    ///   - epsilon: term added to the variance.
    public init(_ channels: Int, affine: Bool = false, epsilon: Double = 1e-5) {
        weight = affine ? Parameter(onesOf: [channels]) : nil
        bias = affine ? Parameter(shape: [channels]) : nil
        (self.channels, self.epsilon) = (channels, epsilon)
    }

    /// Applies the layer: [N, C, H, W] to the same shape.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.instanceNorm(weight: weight?.value, bias: bias?.value, epsilon: epsilon)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(channels)" }
}

/// Layer normalization over the last dimensions (Ba et al. 2016). Input and output [..., shape].
public final class LayerNorm: Layer {
    /// Scale, of shape `shape`; nil if the layer is not affine.
    public let weight: Parameter?
    /// Shift, of shape `shape`; nil if the layer is not affine.
    public let bias: Parameter?
    private let shape: [Int]
    private let epsilon: Double

    /// Creates a layer that normalizes over the last dimensions `shape`.
    /// - Parameters:
    ///   - shape: sizes of the normalized dimensions, the last ones.
    ///   - affine: whether the layer has a scale and shift.
    ///   - epsilon: term added to the variance.
    public init(_ shape: [Int], affine: Bool = true, epsilon: Double = 1e-5) {
        weight = affine ? Parameter(onesOf: shape) : nil
        bias = affine ? Parameter(shape: shape) : nil
        (self.shape, self.epsilon) = (shape, epsilon)
    }

    /// Applies the layer: [..., shape] to the same shape.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.layerNorm(shape: shape, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(shape)" }
}

/// Pixel normalization: scales the channels of each pixel to a mean square of 1 (Karras et al. 2018, section 4.2).
///
/// Input and output [N, C, ...].
public final class PixelNorm: Layer {
    private let epsilon: Double

    /// Creates a layer; `epsilon` is added to the mean square.
    public init(epsilon: Double = 1e-8) { self.epsilon = epsilon }

    /// Applies the layer: [N, C, ...] to the same shape.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input * (input.square().mean([1], keep: true) + epsilon).rsqrt()
    }
}
