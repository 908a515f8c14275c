import Models
import Synthesis
import Torch
import TorchNN

/// Directions of a latent space along which the identity of faces changes most.
///
/// The axes are the eigenvectors of E[J^T J] with the largest eigenvalues, where J is the Jacobian of the normalized identity
/// embedding with respect to the latent. For a random unit vector u of the embedding, g = J^T u has E[g g^T] = E[J^T J] / E, so
/// one backward pass for each of a few random vectors and faces replaces the Jacobian.
enum IdentityAxes {
    /// Faces, random vectors for each face, and number of axes.
    static let (faces, projections, axes) = (96, 2, 64)
    private static let batch = 16

    /// Finds the axes.
    /// - Parameters:
    ///   - generator: the network.
    ///   - latents: z [N, Z] and labels [N, K] of the faces.
    ///   - space: `.z`, or `.w` of a style generator.
    ///   - embedding: embedding [N, E] of pictures [N, 3, R, R].
    ///   - progress: called with the number of faces that are done.
    ///   - isCancelled: called between batches.
    /// - Returns: orthonormal axes [A, D], strongest first, and the fraction of the squared change along each.
    /// - Throws: `CancellationError`.
    static func find(
        _ generator: any Generator, _ latents: Latents, space: LatentPoint.Space,
        embedding: (Tensor) -> Tensor, progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }
    ) throws -> (axes: [[Float]], shares: [Float]) {
        let random = RandomSource(seed: 0)
        var found: [Tensor] = []
        let wasTraining = generator.isTraining
        generator.train(false)
        defer { generator.train(wasTraining) }
        for start in stride(from: 0, to: latents.count, by: batch) {
            let rows = latents[start..<min(latents.count, start + batch)]
            for _ in 0..<projections {
                if isCancelled() { throw CancellationError() }
                found.append(gradient(generator, rows, space, embedding, random))
            }
            progress(start + rows.count)
        }
        return withoutGradients {
            let rows = Tensor.concatenated(found).to(.float64)
            let (values, vectors) = rows.transposed(0, 1).matmul(rows).symmetricEigen()
            let total = max(1e-30, values.clampedBelow(0).sum().item())
            let count = min(axes, rows.shape[0], rows.shape[1])
            let strongest = vectors.transposed(0, 1).flipped([0])[0..<count].to(.float32).contiguous()
            let shares = (values.flipped([0])[0..<count].clampedBelow(0) * (1 / total)).floats()
            let (flat, width) = (strongest.floats(), rows.shape[1])
            return ((0..<count).map { Array(flat[($0 * width)..<(($0 + 1) * width)]) }, shares)
        }
    }

    /// Gradients [n, D] of random projections of the embedding.
    private static func gradient(
        _ generator: any Generator, _ latents: Latents, _ space: LatentPoint.Space,
        _ embedding: (Tensor) -> Tensor, _ random: RandomSource
    ) -> Tensor {
        let given = latents.to(generator.device)
        let input: Tensor
        let images: Tensor
        if space == .w, let style = generator as? any StyleGenerator {
            let w = withoutGradients { style.map(given).select(1, 0).contiguous() }.requiringGradient()
            input = w
            images = generator.frozen {
                style.synthesize(
                    w.unsqueezed(1).expanded(to: [w.shape[0], style.layerCount, w.shape[1]]), noise: .constant
                )
            }
        } else {
            let z = given.z.detached().cloned().requiringGradient()
            input = z
            images = generator.frozen { generator(Latents(z, labels: given.labels), noise: .constant) }
        }
        let features = embedding(generator.fullSize(images))
        let unit = features / features.norm([1], keep: true).clampedBelow(1e-12)
        let drawn = Tensor.normal(features.shape, random: random).to(features.device)
        let directions = drawn / drawn.norm([1], keep: true)
        let found = gradients(of: [(unit * directions).sum()], wrt: [input])[0]
        return (found ?? Tensor.zeros(like: input)).detached().to(.cpu)
    }
}
