import Torch
import TorchNN

/// Input of a generator: one row of z per picture and, for a conditional generator, one row of labels.
public struct Latents {
    /// Latent vectors, [N, Z].
    public var z: Tensor
    /// Labels, [N, K] of 1 (present), -1 (absent) or 0 (unknown); nil for an unconditional generator.
    public var labels: Tensor?

    /// Creates latents from z [N, Z] and labels [N, K].
    public init(_ z: Tensor, labels: Tensor? = nil) {
        require(
            z.rank == 2 && (labels.map { $0.rank == 2 && $0.shape[0] == z.shape[0] } ?? true),
            "Latents: expected z [N, Z] and labels [N, K], got \(z.summary) and \(labels?.summary ?? "none")")
        (self.z, self.labels) = (z, labels)
    }

    /// Number of rows N.
    public var count: Int { z.shape[0] }

    /// Latents of a range of rows, z [n, Z] and labels [n, K].
    public subscript(rows: Range<Int>) -> Latents { Latents(z[rows], labels: labels.map { $0[rows] }) }

    /// Concatenates latents along the batch: z [N, Z], labels [N, K]. Either all elements have labels or none.
    public static func concatenated(_ all: [Latents]) -> Latents {
        Latents(
            .concatenated(all.map(\.z)),
            labels: all[0].labels.map { _ in .concatenated(all.map { $0.labels! }) })
    }

    /// Copy on a device, z [N, Z] and labels [N, K].
    public func to(_ device: Device) -> Latents {
        Latents(z.to(device), labels: labels.map { $0.to(device) })
    }

    /// z and labels in one tensor, [N, Z + K], for networks whose first layer reads both.
    var joined: Tensor { labels.map { .concatenated([z, $0], 1) } ?? z }
}

/// Noise inputs of a generator that has them, such as StyleGAN2. Other generators ignore this value.
public enum NoiseInput {
    /// No noise.
    case none
    /// Noise images stored in the network: equal for all pictures.
    case constant
    /// Noise drawn from one stream for all pictures.
    case random(RandomSource)
    /// Noise drawn from a stream for each picture, so that it does not depend on the other pictures.
    case streams([RandomSource])
}

/// Network that generates pictures from latents.
public protocol Generator: Module {
    /// Size and distribution of z.
    var latentSpace: LatentSpace { get }
    /// Side of the pictures, in pixels.
    var resolution: Int { get }
    /// Generates pictures.
    /// - Parameters:
    ///   - latents: z [N, Z] and labels [N, K].
    ///   - noise: source of noise inputs.
    /// - Returns: [N, 3, side, side] in -1...1. The side is `resolution` or, for a growing network, the current side.
    func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor
    /// Returns the generator for inference, [N, Z] to [N, 3, side, side].
    ///
    /// Batch normalization is folded into the convolutions, with the weights at the time of the call. The result has
    /// no gradients.
    func folded() -> (Latents, NoiseInput) -> Tensor
}

extension Generator {
    /// Generates pictures [N, 3, side, side] in -1...1 with constant noise, from z [N, Z].
    public func callAsFunction(_ latents: Latents) -> Tensor { self(latents, noise: .constant) }

    /// Returns the generator itself, [N, Z] to [N, 3, side, side], for networks without batch normalization to fold.
    public func folded() -> (Latents, NoiseInput) -> Tensor { { self($0, noise: $1) } }

    /// Resizes pictures [N, 3, side, side] of a growing network to `resolution` by repeating pixels.
    /// - Returns: [N, 3, resolution, resolution] in -1...1.
    public func fullSize(_ images: Tensor) -> Tensor {
        images.shape[2] == resolution
            ? images : images.upsampledNearest(height: resolution, width: resolution)
    }
}

/// Generator with an intermediate latent space w (Karras et al. 2019, arXiv:1812.04948).
///
/// `self(latents, noise:)` equals `synthesize(map(latents), noise:)`.
public protocol StyleGenerator: Generator {
    /// Moving average of w over training, [W].
    var averageW: Buffer { get }
    /// Number of layers L that read a row of w+.
    var layerCount: Int { get }
    /// Maps z [N, Z] and labels [N, K] to intermediate latents.
    /// - Returns: w+ [N, L, W]; all L rows of a picture are equal.
    func map(_ latents: Latents) -> Tensor
    /// Maps latents to w+ for a training step, where rows of a picture may differ; see style mixing.
    /// - Parameters:
    ///   - latents: z [N, Z] and labels [N, K].
    ///   - random: stream of additional latents.
    /// - Returns: w+ [N, L, W].
    func mapForTraining(_ latents: Latents, random: RandomSource) -> Tensor
    /// Generates pictures from intermediate latents.
    /// - Parameters:
    ///   - w: w+ [N, L, W].
    ///   - noise: source of noise inputs.
    /// - Returns: [N, 3, resolution, resolution] in -1...1.
    func synthesize(_ w: Tensor, noise: NoiseInput) -> Tensor
    /// Returns the synthesis for inference, w+ [N, L, W] to [N, 3, resolution, resolution], with the weights at the time
    /// of the call and without gradients.
    func foldedSynthesis() -> (Tensor, NoiseInput) -> Tensor
    /// Whether `foldedSynthesis` computes a single row with the same bits as several rows, on the CPU in float32.
    var computesSingleRows: Bool { get }
}

extension StyleGenerator {
    /// Returns `synthesize`, w+ [N, L, W] to [N, 3, resolution, resolution].
    public func foldedSynthesis() -> (Tensor, NoiseInput) -> Tensor { { self.synthesize($0, noise: $1) } }

    /// False by default.
    public var computesSingleRows: Bool { false }

    /// Generates pictures [N, 3, resolution, resolution] in -1...1 by `map` and `synthesize`.
    public func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        synthesize(map(latents), noise: noise)
    }

    /// Maps latents like `map`, [N, L, W].
    public func mapForTraining(_ latents: Latents, random: RandomSource) -> Tensor { map(latents) }

    /// Truncation trick: interpolates between the mean of w and w, which trades variety for quality (Karras et al.
    /// 2019, appendix B).
    /// - Parameters:
    ///   - w: w+ [N, L, W].
    ///   - psi: weight of w; 1 leaves it unchanged, 0 returns the mean.
    ///   - cutoff: number of rows, from the first one, that are truncated; nil for all L rows.
    /// - Returns: w+ [N, L, W].
    public func truncated(_ w: Tensor, psi: Double, cutoff: Int? = nil) -> Tensor {
        guard psi != 1 else { return w }
        let average = averageW.value.to(w.device)
        let count = min(max(0, cutoff ?? w.shape[1]), w.shape[1])
        let first = average.lerp(w.narrow(1, start: 0, length: count), weight: psi)
        guard count < w.shape[1] else { return first }
        return .concatenated([first, w.narrow(1, start: count, length: w.shape[1] - count)], 1)
    }
}
