import Models
import Synthesis
import Torch
import TorchNN

/// Directions without an attribute predictor.
public enum ClosedForm {
    /// Eigenvectors of W^T W for the weights W [M, D] of layers that read a latent, with rows of length 1 (Shen and Zhou 2021,
    /// arXiv:2007.06600, equation 6).
    /// - Parameters:
    ///   - weights: weights [M, D].
    ///   - count: number of directions.
    /// - Returns: unit vectors [count, D] in descending order of their eigenvalues, float32. The component with the largest
    ///   absolute value is positive.
    public static func eigenvectors(ofWeights weights: Tensor, count: Int) -> Tensor {
        withoutGradients {
            let rows = weights.detached().to(.cpu).to(.float64)
            let scaled = rows / rows.norm([1], keep: true).clampedBelow(1e-30)
            return leading(scaled.transposed(0, 1).matmul(scaled), count)
        }
    }

    /// Principal components of latents (Härkönen et al. 2020, arXiv:2004.02546).
    /// - Parameters:
    ///   - latents: [N, D].
    ///   - count: number of components.
    /// - Returns: unit vectors [count, D] in descending order of their variances, float32.
    public static func principalComponents(of latents: Tensor, count: Int) -> Tensor {
        withoutGradients {
            let rows = latents.to(.float64)
            let centered = rows - rows.mean([0], keep: true)
            return leading(centered.transposed(0, 1).matmul(centered), count)
        }
    }

    /// Principal components of features, carried back to latents by least squares (Härkönen et al. 2020, section 3.1).
    /// - Parameters:
    ///   - features: [N, F].
    ///   - latents: [N, D] of the same faces.
    ///   - count: number of components.
    /// - Returns: unit vectors [count, D], float32.
    public static func principalComponents(of features: Tensor, carriedTo latents: Tensor, count: Int)
        -> Tensor
    {
        withoutGradients {
            let rows = features.to(.float64)
            let centered = rows - rows.mean([0], keep: true)
            let components = leading(centered.transposed(0, 1).matmul(centered), count).to(.float64)
            let coordinates = centered.matmul(components.transposed(0, 1))
            // For each component, the direction of the latents that its coordinates regress on.
            let squares = coordinates.square().sum([0]).clampedBelow(1e-30).unsqueezed(1)
            let z = latents.to(.float64)
            let found = coordinates.transposed(0, 1).matmul(z - z.mean([0], keep: true)) / squares
            return (found / found.norm([1], keep: true).clampedBelow(1e-30)).to(.float32)
        }
    }

    /// Eigenvectors of a symmetric matrix [D, D] with the largest eigenvalues, in rows [count, D].
    private static func leading(_ matrix: Tensor, _ count: Int) -> Tensor {
        let (_, vectors) = matrix.symmetricEigen()
        let size = matrix.shape[0]
        let rows = vectors.transposed(0, 1).flipped([0])[0..<min(count, size)]
        // The sign of an eigenvector is arbitrary.
        let largest = rows.abs().argmax(1).unsqueezed(1)
        return (rows * rows.gather(1, largest).sign()).to(.float32)
    }

    /// Weights [M, D] of the layers that read a latent: the styles of all convolutions for w of a StyleGAN2, and the first layer
    /// for z.
    ///
    /// Columns of labels, which the first layer of a conditional generator also reads, are left out.
    /// - Parameters:
    ///   - generator: the network.
    ///   - labels: number of labels of a conditional generator.
    ///   - space: `.z` or `.w`.
    /// - Returns: nil for a generator without such layers, such as the decoder of an autoencoder.
    public static func weights(of generator: any Generator, labels: Int, space: LatentPoint.Space) -> Tensor?
    {
        if space == .w {
            guard let style = generator as? StyleGAN2Generator else { return nil }
            let layers = style.synthesis.blocks.flatMap { $0.convolutions.map(\.affine.weight.value) }
            return .concatenated(layers.map { $0.detached().to(.cpu).to(.float32) })
        }
        guard !(generator is LatentDecoder) else { return nil }
        let size = generator.latentSpace.size
        if let style = generator as? StyleGAN2Generator {
            // The mapping also reads embedded labels.
            let first = style.mapping.layers[0].weight.value.detached().to(.cpu).to(.float32)
            return first.narrow(1, start: 0, length: size)
        }
        let inputs = [size, size + labels]
        for (_, parameter) in generator.parameters {
            let (value, shape) = (parameter.value.detached().to(.cpu).to(.float32), parameter.value.shape)
            if shape.count == 2, inputs.contains(shape[1]) { return value.narrow(1, start: 0, length: size) }
            // A transposed convolution of maps of one pixel.
            if shape.count == 4, inputs.contains(shape[0]) {
                return value.reshape([shape[0], -1]).narrow(0, start: 0, length: size).transposed(0, 1)
            }
        }
        return nil
    }
}
