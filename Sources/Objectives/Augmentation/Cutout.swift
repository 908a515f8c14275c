import Torch

/// Rectangles of pictures that are set to zero, the center of their range.
package final class Cutout {
    private let kept = KeptTensors()

    package init() {}

    /// Sets the rectangle of each picture to zero.
    /// - Parameters:
    ///   - images: [N, C, H, W].
    ///   - bounds: first column, end of the columns, first row and end of the rows [N, 4] in pixels. A rectangle may
    ///     extend beyond the picture. An empty one leaves the picture unchanged.
    /// - Returns: [N, C, H, W].
    package func callAsFunction(_ images: Tensor, _ bounds: Tensor) -> Tensor {
        let (shape, count) = (images.shape, bounds.shape[0])
        require(
            images.isPoisoned || bounds.isPoisoned
                || shape.count == 4 && shape[0] == count && bounds.shape == [count, 4],
            "Cutout: expected pictures [N, C, H, W] and bounds [N, 4], got \(images.summary) and \(bounds.summary)"
        )
        // 1 for each column or row of each picture inside, otherwise 0, [N, side].
        func inside(_ first: Int, _ side: Int) -> Tensor {
            let pixels = kept("pixels", side, on: bounds.device) { Tensor.range(side) }
            let start = bounds.narrow(1, start: first, length: 1)
            let end = bounds.narrow(1, start: first + 1, length: 1)
            return (start.lessOrEqual(to: pixels) * pixels.less(than: end)).to(images.dtype)
        }
        let columns = inside(0, shape[3]).reshape([shape[0], 1, 1, shape[3]])
        let rows = inside(2, shape[2]).reshape([shape[0], 1, shape[2], 1])
        return images * (1 - rows * columns)
    }
}
