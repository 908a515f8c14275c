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
