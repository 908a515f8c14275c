import Foundation
import Models
import Torch

/// A latent between two others.
///
/// Normally distributed latents lie near a sphere and are interpolated along a great circle (White 2016), uniformly
/// distributed ones along a line.
/// - Parameters:
///   - a: z [1, Z], returned for t = 0.
///   - b: z [1, Z], returned for t = 1.
///   - t: 0...1.
/// - Returns: z [1, Z].
public func interpolated(
    _ a: Tensor, _ b: Tensor, _ t: Double, _ distribution: LatentSpace.Distribution
) -> Tensor {
    guard distribution == .normal else { return a.lerp(b, weight: t) }
    let cosine = ((a * b).sum().item() / (a.norm().item() * b.norm().item()))
    let angle = acos(min(1, max(-1, cosine)))
    // For nearly parallel latents, the great circle is the line.
    guard sin(angle) > 1e-6 else { return a.lerp(b, weight: t) }
    return a * (sin((1 - t) * angle) / sin(angle)) + b * (sin(t * angle) / sin(angle))
}

extension LatentSampler {
    /// Latents between two others of one row: z as above, labels along a line.
    func interpolated(_ a: Latents, _ b: Latents, _ t: Double) -> Latents {
        let labels = a.labels.flatMap { from in b.labels.map { from.lerp($0, weight: t) } }
        return Latents(Synthesis.interpolated(a.z, b.z, t, space.distribution), labels: labels)
    }
}
