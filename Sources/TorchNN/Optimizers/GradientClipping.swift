import Torch

/// Scales gradients together so that their joint Euclidean norm is at most `maxNorm`; gives the norm before.
///
/// The norm stays a tensor, so that nothing waits for the device.
@discardableResult
public func clipGradients(_ gradients: inout [Tensor?], maxNorm: Double) -> Tensor {
    guard let norm = jointNorm(gradients) else { return Tensor(0) }
    return withoutGradients {
        let factor = (Tensor.full([], maxNorm, on: norm.device) / (norm + 1e-6)).clamped(0...1)
        // Not in place: two gradients may share their memory.
        gradients = gradients.map { $0.map { $0 * factor } }
        return norm
    }
}

/// Joint Euclidean norm of gradients, []; nil where there are none.
public func jointNorm(_ gradients: [Tensor?]) -> Tensor? {
    withoutGradients {
        let norms = gradients.compactMap { $0?.norm() }
        return norms.isEmpty ? nil : Tensor.stacked(norms).norm()
    }
}
