import Torch
import TorchNN

/// An autoencoder's decoder as a generator: z ~ N(0, I) becomes a code as the faces that were seen have them.
public final class CodeDecoder: Module, Generator {
    let autoencoder: FaceAutoencoder
    public let latent: Latent
    // Deviations along the principal directions, in the rows: [codeSize, codeSize].
    private let directions: Tensor

    /// - Parameter autoencoder: one that `decodesCodes` and has seen faces.
    public init(_ autoencoder: FaceAutoencoder) {
        self.autoencoder = autoencoder
        latent = Latent(size: autoencoder.codeSize)
        directions = withoutGradients {
            let (values, vectors) = autoencoder.codeCovariance.value.to(.cpu).symmetricEigen()
            return (vectors * values.clampedBelow(0).sqrt()).transposed(0, 1).contiguous()
        }
    }

    public var resolution: Int { autoencoder.resolution }

    public func callAsFunction(_ code: Tensor) -> Tensor {
        let drawn = code.matmul(directions.to(code.device)) + autoencoder.codeMean.value
        return autoencoder.decode(drawn)
    }
}
