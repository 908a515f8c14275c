import Torch

/// Upsampling. Input [N, C, H, W], output [N, C, H factor, W factor].
public final class Upsample: Layer {
    /// Interpolation method.
    public enum Mode: String, Sendable, CaseIterable {
        /// Nearest neighbor.
        case nearest
        /// Bilinear, with aligned image borders.
        case bilinear
    }

    private let factor: Int
    private let mode: Mode

    /// Creates a layer that enlarges both sides by an integer factor.
    public init(_ factor: Int = 2, mode: Mode = .nearest) { (self.factor, self.mode) = (factor, mode) }

    /// Applies the layer: [N, C, H, W] to [N, C, H factor, W factor].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let shape = input.shape
        let (height, width) = (shape[2] * factor, shape[3] * factor)
        return switch mode {
        case .nearest: input.upsampledNearest(height: height, width: width)
        case .bilinear: input.upsampledBilinear(height: height, width: width)
        }
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(factor), \(mode.rawValue)" }
}

/// Downsampling by the mean. Input [N, C, H, W], output [N, C, H / factor, W / factor].
public final class Downsample: Layer {
    private let factor: Int

    /// Creates a layer that averages factor x factor pixels.
    public init(_ factor: Int = 2) { self.factor = factor }

    /// Applies the layer: [N, C, H, W] to [N, C, H / factor, W / factor].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.averagePool2d(factor, stride: factor)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(factor)" }
}

/// Max pooling. Input [N, C, H, W], output [N, C, (H + 2 padding - kernel) / stride + 1, ...].
public final class MaxPool2d: Layer {
    private let kernel: Int
    private let stride: Int
    private let padding: Int
    private let keepsRemainder: Bool

    /// Creates a layer with windows of kernel x kernel pixels.
    /// - Parameters:
    ///   - kernel: side of the window in pixels.
    ///   - stride: step of the window in pixels.
    ///   - padding: border added on each side, in pixels; padding is never the maximum.
    ///   - keepsRemainder: round the output size up, so that windows may cross the right and lower border
    ///     (`ceil_mode`).
    public init(_ kernel: Int, stride: Int, padding: Int = 0, keepsRemainder: Bool = false) {
        (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
        self.keepsRemainder = keepsRemainder
    }

    /// Applies the layer: [N, C, H, W] to [N, C, (H + 2 padding - kernel) / stride + 1, ...].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.maxPool2d(kernel, stride: stride, padding: padding, ceil: keepsRemainder)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(kernel), stride \(stride), padding \(padding)" }
}

/// Minibatch standard deviation (Karras et al. 2018, section 3).
///
/// Appends a channel with the standard deviation within a group of images, averaged over channels and pixels. Input
/// [N, C, H, W], output [N, C + 1, H, W]. There are N / group groups; each contains every (N / group)-th image.
public final class MinibatchStandardDeviation: Layer {
    private let group: Int
    private let epsilon: Double

    /// Creates a layer.
    /// - Parameters:
    ///   - group: images per group; a smaller batch is one group. The batch size must be a multiple.
    ///   - epsilon: term added to the variance.
    public init(group: Int = 4, epsilon: Double = 1e-8) { (self.group, self.epsilon) = (group, epsilon) }

    /// Applies the layer: [N, C, H, W] to [N, C + 1, H, W].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let shape = input.shape
        let group = min(group, shape[0])
        require(
            shape[0] % group == 0,
            "MinibatchStandardDeviation: expected a batch size divisible by the group size \(group), got \(input.summary)"
        )
        // Single precision: in half precision epsilon would be rounded away.
        let groups = input.atLeastSingle().reshape([group, shape[0] / group] + shape[1...])
        let deviations = (groups.variance([0]) + epsilon).sqrt().mean([1, 2, 3], keep: true)
        let channel = deviations.repeated([group, 1, 1, 1]).expanded(to: [shape[0], 1, shape[2], shape[3]])
        return Tensor.concatenated([input, channel.to(input.dtype)], 1)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "groups of \(group)" }
}
