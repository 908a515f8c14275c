import Foundation
import Models
import Torch

/// A latent between `a` and `b` [1, size] at t in 0...1.
///
/// Normal latents lie near a sphere, so they go along a great circle (White 2016); uniform ones along a line.
public func interpolated(_ a: Tensor, _ b: Tensor, _ t: Double, _ distribution: Latent.Distribution) -> Tensor
{
    guard distribution == .normal else { return a.lerp(b, weight: t) }
    let cosine = ((a * b).sum().item() / (a.norm().item() * b.norm().item()))
    let angle = acos(min(1, max(-1, cosine)))
    // Nearly parallel: the great circle is the line.
    guard sin(angle) > 1e-6 else { return a.lerp(b, weight: t) }
    return a * (sin((1 - t) * angle) / sin(angle)) + b * (sin(t * angle) / sin(angle))
}

extension Codes {
    /// A code between two [1, size + labels]: z as above, labels straight.
    func interpolated(_ a: Tensor, _ b: Tensor, _ t: Double) -> Tensor {
        let count = labels?.names.count ?? 0
        let ((from, y), (to, w)) = (latent.split(a, labels: count), latent.split(b, labels: count))
        let z = Synthesis.interpolated(from, to, t, latent.distribution)
        guard let y, let w else { return z }
        return Tensor.concatenated([z, y.lerp(w, weight: t)], 1)
    }
}
