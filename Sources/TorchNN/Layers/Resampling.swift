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

/// Gives each element another shape, the first dimension kept.
public final class Reshape: Layer {
    private let shape: [Int]

    public init(_ shape: Int...) { self.shape = shape }

    public override func callAsFunction(_ input: Tensor) -> Tensor { input.reshape([input.shape[0]] + shape) }

    public override var details: String { "\(shape)" }
}
