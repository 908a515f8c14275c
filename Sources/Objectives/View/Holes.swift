import Torch

/// Rectangles of pictures that are set to zero, the middle of their range.
package enum Holes {
    /// Whole pixels of one picture; what lies outside of it counts for nothing.
    package struct Hole: Equatable {
        package let columns, rows: Range<Int>

        package init(columns: Range<Int>, rows: Range<Int>) { (self.columns, self.rows) = (columns, rows) }
    }

    /// Each picture of [N, C, H, W] with its own hole or none.
    package static func apply(_ holes: [Hole?], to images: Tensor) -> Tensor {
        let shape = images.shape
        require(
            images.isPoisoned || shape.count == 4 && shape[0] == holes.count,
            "cutout: expected \(holes.count) pictures [N, C, H, W], got \(images.summary)")
        func inside(_ side: Int, _ range: (Hole) -> Range<Int>, _ shape: [Int]) -> Tensor {
            let values = holes.flatMap { hole in
                (0..<side).map { Float(hole.map { range($0) }?.contains($0) == true ? 1 : 0) }
            }
            return Tensor(values, shape: shape).to(images.device, images.dtype)
        }
        let rows = inside(shape[2], \.rows, [shape[0], 1, shape[2], 1])
        let columns = inside(shape[3], \.columns, [shape[0], 1, 1, shape[3]])
        return images * (1 - rows * columns)
    }
}
