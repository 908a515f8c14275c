import Torch

/// Bends pictures by a coarse grid whose nodes are moved at random, as DeepFaceLab's training does.
enum FaceWarp {
    /// Cells along a side of the grids that are drawn.
    private static let cells = [2, 4, 8]

    /// - Parameters:
    ///   - pictures: [N, C, side, side].
    ///   - amount: deviation of the inner nodes' displacement, in cells; 0 leaves the pictures as they are.
    static func bent(_ pictures: Tensor, amount: Double, random: RandomSource) -> Tensor {
        let (count, side) = (pictures.shape[0], pictures.shape[2])
        let fields = (0..<count).map { _ in field(side, amount, random) }
        return pictures.sampled(at: Tensor.concatenated(fields).to(pictures.device).to(pictures.dtype))
    }

    /// Where each pixel comes from, [1, side, side, 2].
    private static func field(_ side: Int, _ amount: Double, _ random: RandomSource) -> Tensor {
        let draw = Int(Tensor.uniform([1], 0, Double(cells.count), random: random).floats()[0])
        let cells = cells[min(draw, cells.count - 1)]
        let line = Tensor((0...cells).map { Float(2 * Double($0) / Double(cells) - 1) })
        let shape = [1, 1, cells + 1, cells + 1]
        let x = line.reshape([1, 1, 1, cells + 1]).expanded(to: shape)
        let y = line.reshape([1, 1, cells + 1, 1]).expanded(to: shape)
        // The rim stays where it is.
        let inner =
            Tensor.normal([1, 2, cells - 1, cells - 1], random: random) * (amount * 2 / Double(cells))
        let nodes = Tensor.concatenated([x, y], 1) + inner.padded([1, 1, 1, 1])
        return nodes.stretched(height: side, width: side).permuted([0, 2, 3, 1]).contiguous()
    }
}
