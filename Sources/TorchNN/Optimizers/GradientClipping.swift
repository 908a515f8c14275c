import Torch

/// Scales gradients together so that their joint Euclidean norm is at most `maxNorm`, in place; gives the norm before.
///
/// The norm stays a tensor, so that nothing waits for the device.
@discardableResult
public func clipGradients(_ gradients: [Tensor?], maxNorm: Double) -> Tensor {
    let present = gradients.compactMap { $0 }
    return withoutGradients {
        let norm = Tensor.stacked(present.map { $0.norm() }).norm()
        let factor = (Tensor.full([], maxNorm, on: norm.device) / (norm + 1e-6)).clamped(0...1)
        foreachMultiply_(present, by: factor)
        return norm
    }
}
