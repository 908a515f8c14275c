import Torch
import TorchNN

/// The decoder of an autoencoder as a generator: z ~ N(0, I) is mapped to the distribution of the bottleneck over training
/// faces, a normal distribution with their mean and covariance.
public final class CodeDecoder: Module, Generator {
    let autoencoder: FaceAutoencoder
    public let latentSpace: LatentSpace
    // Principal directions in rows, each scaled by its standard deviation: [codeSize, codeSize].
    private let directions: Tensor

    /// - Parameter autoencoder: a trained one with `decodesCodes`.
    public init(_ autoencoder: FaceAutoencoder) {
        self.autoencoder = autoencoder
        latentSpace = LatentSpace(size: autoencoder.codeSize)
        directions = withoutGradients {
            let (values, vectors) = autoencoder.codeCovariance.value.to(.cpu).symmetricEigen()
            return (vectors * values.clampedBelow(0).sqrt()).transposed(0, 1).contiguous()
        }
    }

    public var resolution: Int { autoencoder.resolution }

    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        let z = latents.z
        return autoencoder.decode(z.matmul(directions.to(z.device)) + autoencoder.codeMean.value)
    }
}
