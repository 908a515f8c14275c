import Torch

/// Spectral normalization (Miyato et al. 2018, algorithm 1): a weight over its largest singular value, which a power
/// iteration follows, one step with each forward pass in training.
///
/// Layers keep `weightOrig`, `weightU` and `weightV` under the keys that `torch.nn.utils.spectral_norm` gives them. Every
/// pass in training moves u and v, as there; a pass that is computed again takes them as they are, so its tape must be
/// used before the next pass. Two passes with one weight: join the pictures, or switch one of them to use.
enum SpectralNorm {
    /// Steps from a random vector to a start that is good enough for the first pass.
    private static let firstSteps = 15
    private static let epsilon = 1e-12

    /// - Parameters:
    ///   - weight: [out, ...], read as the matrix [out, rest].
    ///   - u: left singular vector, [out]; moved in place.
    ///   - v: right singular vector, [rest]; moved in place.
    /// - Returns: weight / (u · W v), where u and v are constants.
    static func normalized(_ weight: Tensor, _ u: Buffer, _ v: Buffer, isTraining: Bool) -> Tensor {
        // Single precision: the norm of all outputs hangs on one number.
        withAutocast(.float32, on: weight.device) {
            if isTraining, !Recompute.isActive { iterate(weight, u, v, steps: 1) }
            // The tape keeps copies, so that the next pass may move u and v before it is used.
            let (left, right) = withoutGradients { (u.value.cloned(), v.value.cloned()) }
            let matrix = weight.flattened(from: 1)
            return weight / (left * matrix.matmul(right)).sum()
        }
    }

    /// Draws u and follows the weight as it is now.
    static func initialize(_ weight: Tensor, _ u: Buffer, _ v: Buffer, _ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(u.value, random: random)
        iterate(weight, u, v, steps: firstSteps)
    }

    private static func iterate(_ weight: Tensor, _ u: Buffer, _ v: Buffer, steps: Int) {
        withoutGradients {
            let matrix = weight.detached().flattened(from: 1)
            for _ in 0..<steps {
                v.value.copy_(unit(matrix.transposed(0, 1).matmul(u.value)))
                u.value.copy_(unit(matrix.matmul(v.value)))
            }
        }
    }

    private static func unit(_ vector: Tensor) -> Tensor { vector / vector.norm().clampedBelow(epsilon) }

    /// A unit vector to have one before the first draw.
    static func start(_ count: Int) -> Buffer {
        Buffer(Tensor.full([count], 1 / Double(count).squareRoot()))
    }
}
