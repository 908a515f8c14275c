import Torch

/// Affine transformations of colors (R, G, B) in -1...1 that commute with rotations around the gray axis.
///
/// A color is its gray component (R + G + B) / 3 in all channels plus its difference from gray, which is perpendicular to
/// the gray axis.
package final class ColorTransform {
    private let kept = KeptTensors()

    package init() {}

    /// Linear parts of N transformations.
    /// - Parameters:
    ///   - gray: factor [N] of the gray component.
    ///   - rest: factor [N] of the difference from gray.
    ///   - turned: factor [N] of the difference from gray, turned by a quarter from red towards green; nil for 0.
    /// - Returns: [N, 3, 3].
    package func linear(gray: Tensor, rest: Tensor, turned: Tensor? = nil) -> Tensor {
        let basis = kept("basis", on: gray.device) {
            let root = 3.0.squareRoot()
            let rows: [[Double]] = [
                [1, 1, 1, 1, 1, 1, 1, 1, 1], [2, -1, -1, -1, 2, -1, -1, -1, 2],
                [0, -root, root, root, 0, -root, -root, root, 0],
            ]
            return Tensor(doubles: rows.flatMap { $0 }, shape: [3, 9])
        }
        let factors = Tensor.stacked([gray, rest] + (turned.map { [$0] } ?? []), 1)
        let used = turned == nil ? basis.narrow(0, start: 0, length: 2) : basis
        // A sum of thirds would not be exactly 1.
        return (factors.matmul(used) / 3).reshape([gray.shape[0], 3, 3])
    }

    /// Transforms each picture of [N, 3, H, W].
    /// - Parameters:
    ///   - images: [N, 3, H, W].
    ///   - linear: linear parts [N, 3, 3].
    ///   - offset: [N, 1, 1], added to all channels.
    /// - Returns: [N, 3, H, W].
    package func callAsFunction(_ images: Tensor, linear: Tensor, offset: Tensor) -> Tensor {
        let (shape, count) = (images.shape, linear.shape[0])
        require(
            images.isPoisoned || linear.isPoisoned || shape.count == 4 && shape[0] == count && shape[1] == 3,
            "ColorTransform: expected pictures [\(count), 3, H, W], got \(images.summary)")
        let flat = images.reshape([shape[0], 3, -1])
        return (linear.to(images.dtype).matmul(flat) + offset.to(images.dtype)).reshape(shape)
    }
}
