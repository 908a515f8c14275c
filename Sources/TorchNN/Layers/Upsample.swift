import Torch

/// Enlarges [N, C, H, W] to [N, C, H factor, W factor].
public final class Upsample: Layer {
    /// How new pixels get their values.
    public enum Mode: String, Sendable, CaseIterable { case nearest, bilinear }

    private let factor: Int
    private let mode: Mode

    public init(_ factor: Int = 2, mode: Mode = .nearest) { (self.factor, self.mode) = (factor, mode) }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let shape = input.shape
        let (height, width) = (shape[2] * factor, shape[3] * factor)
        return switch mode {
        case .nearest: input.upsampledNearest(height: height, width: width)
        case .bilinear: input.upsampledBilinear(height: height, width: width)
        }
    }

    public override var details: String { "\(factor), \(mode.rawValue)" }
}

/// Reduces [N, C, H, W] to [N, C, H / factor, W / factor] by means.
public final class Downsample: Layer {
    private let factor: Int

    public init(_ factor: Int = 2) { self.factor = factor }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.averagePool2d(factor, stride: factor)
    }

    public override var details: String { "\(factor)" }
}

/// Reduces [N, C, H, W] to the largest value of each window.
public final class MaxPool2d: Layer {
    private let kernel: Int
    private let stride: Int
    private let padding: Int
    private let keepsRemainder: Bool

    /// - Parameter keepsRemainder: also take windows that reach over the right and lower border (`ceil_mode`).
    public init(_ kernel: Int, stride: Int, padding: Int = 0, keepsRemainder: Bool = false) {
        (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
        self.keepsRemainder = keepsRemainder
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.maxPool2d(kernel, stride: stride, padding: padding, ceil: keepsRemainder)
    }

    public override var details: String { "\(kernel), stride \(stride), padding \(padding)" }
}

/// Adds a channel that says how much pictures differ within groups of a batch (Karras et al. 2018, section 3).
///
/// Input [N, C, H, W], output [N, C + 1, H, W]. N / group groups, each of every (N / group)-th picture.
public final class MinibatchDeviation: Layer {
    private let group: Int
    private let epsilon: Double

    /// - Parameter group: pictures that are compared; a smaller batch is one group.
    public init(group: Int = 4, epsilon: Double = 1e-8) { (self.group, self.epsilon) = (group, epsilon) }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let shape = input.shape
        let group = min(group, shape[0])
        require(
            shape[0] % group == 0,
            "MinibatchDeviation: \(input.summary) does not divide by groups of \(group)")
        // Squares of small differences: in half precision, epsilon would be nothing.
        let groups = input.atLeastSingle().reshape([group, shape[0] / group] + shape[1...])
        let deviations = (groups.variance([0]) + epsilon).sqrt().mean([1, 2, 3], keep: true)
        let channel = deviations.repeated([group, 1, 1, 1]).expanded(to: [shape[0], 1, shape[2], shape[3]])
        return Tensor.concatenated([input, channel.to(input.dtype)], 1)
    }

    public override var details: String { "groups of \(group)" }
}
