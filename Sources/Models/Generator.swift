import Torch
import TorchNN

/// Input of a generator: one row of z for each picture and, for a conditional generator, one row of labels.
public struct Latents {
    /// [N, Z]
    public var z: Tensor
    /// [N, K] of 1 (present), -1 (absent) or 0 (unknown); nil for an unconditional generator.
    public var labels: Tensor?

    public init(_ z: Tensor, labels: Tensor? = nil) {
        require(
            z.rank == 2 && (labels.map { $0.rank == 2 && $0.shape[0] == z.shape[0] } ?? true),
            "Latents: expected z [N, Z] and labels [N, K], got \(z.summary) and \(labels?.summary ?? "none")")
        (self.z, self.labels) = (z, labels)
    }

    /// Number of rows N.
    public var count: Int { z.shape[0] }

    /// Rows of a range.
    public subscript(rows: Range<Int>) -> Latents { Latents(z[rows], labels: labels.map { $0[rows] }) }

    /// The rows of all elements, in order. Either all have labels or none.
    public static func concatenated(_ all: [Latents]) -> Latents {
        Latents(
            .concatenated(all.map(\.z)),
            labels: all[0].labels.map { _ in .concatenated(all.map { $0.labels! }) })
    }

    /// A copy on a device.
    public func to(_ device: Device) -> Latents {
        Latents(z.to(device), labels: labels.map { $0.to(device) })
    }

    /// The input of a network whose first layer reads both: z and labels side by side, [N, Z + K].
    var joined: Tensor { labels.map { .concatenated([z, $0], 1) } ?? z }
}

/// Noise inputs of a generator that has them, such as StyleGAN2. Other generators ignore this.
public enum NoiseInput {
    /// No noise.
    case none
    /// The noise images that are stored with the network: the same for every picture.
    case constant
    /// A draw from a stream for every picture.
    case random(RandomSource)
}

/// A network that generates pictures from latents.
public protocol Generator: Module {
    /// Size and distribution of z.
    var latentSpace: LatentSpace { get }
    /// Side of the pictures, in pixels.
    var resolution: Int { get }
    /// - Returns: [N, 3, side, side], in -1...1. The side is `resolution`, or what a growing network has reached.
    func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor
    /// The same function for inference: batch normalization is folded into convolutions, with the weights of the moment of
    /// the call. Has no gradients.
    func folded() -> (Latents, NoiseInput) -> Tensor
}

extension Generator {
    /// Pictures of latents, with constant noise.
    public func callAsFunction(_ latents: Latents) -> Tensor { self(latents, noise: .constant) }

    public func folded() -> (Latents, NoiseInput) -> Tensor { { self($0, noise: $1) } }

    /// Pictures at `resolution`: those of a growing network are repeated pixel by pixel.
    /// - Returns: [N, 3, resolution, resolution], in -1...1.
    public func fullSize(_ images: Tensor) -> Tensor {
        images.shape[2] == resolution
            ? images : images.upsampledNearest(height: resolution, width: resolution)
    }
}

/// A generator with an intermediate latent space w (Karras et al. 2019).
///
/// `self(latents, noise:)` equals `synthesize(map(latents), noise:)`.
public protocol StyleGenerator: Generator {
    /// Moving average of w over training, [W].
    var averageW: Buffer { get }
    /// Number of layers L that take a row of w+.
    var layerCount: Int { get }
    /// Intermediate latents of z and labels.
    /// - Returns: w+ [N, L, W]; all L rows of a picture are equal.
    func map(_ latents: Latents) -> Tensor
    /// Pictures of intermediate latents.
    /// - Parameter w: w+ [N, L, W].
    /// - Returns: [N, 3, resolution, resolution], in -1...1.
    func synthesize(_ w: Tensor, noise: NoiseInput) -> Tensor
}

extension StyleGenerator {
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        synthesize(map(latents), noise: noise)
    }

    /// Moves intermediate latents towards their mean, which trades variety for quality (Karras et al. 2019, appendix B).
    /// - Parameters:
    ///   - w: w+ [N, L, W].
    ///   - psi: 1 leaves them as they are, 0 gives the mean face.
    /// - Returns: w+ [N, L, W].
    public func truncated(_ w: Tensor, psi: Double) -> Tensor {
        psi == 1 ? w : averageW.value.lerp(w, weight: psi)
    }
}
