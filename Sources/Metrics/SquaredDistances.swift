import Torch

/// Squared Euclidean distances between all rows of two sets, block by block: memory stays bounded.
enum SquaredDistances {
    /// Elements of a block.
    static let blockSize = 1 << 23

    /// Gives `body` the squares [rows, M] of the distances between some rows of `x` [N, D] and all of `y` [M, D].
    static func forEachBlock(_ x: Tensor, _ y: Tensor, _ body: (Range<Int>, Tensor) -> Void) {
        precondition(
            x.rank == 2 && y.rank == 2 && x.shape[1] == y.shape[1],
            "distances: expected [N, D] and [M, D], got \(x.summary) and \(y.summary)")
        withoutGradients {
            // In double precision and near zero: the squares are differences of larger numbers.
            let center = y.to(.float64).mean([0])
            let all = y.to(.float64) - center
            let lengths = all.square().sum([1])
            let across = all.transposed(0, 1)
            let step = max(1, blockSize / max(1, y.shape[0]))
            for start in stride(from: 0, to: x.shape[0], by: step) {
                let range = start..<min(x.shape[0], start + step)
                let rows = x[range].to(y.device, .float64) - center
                let squares = rows.matmul(across)
                squares.multiply_(-2)
                squares.add_(lengths)
                squares.add_(rows.square().sum([1], keep: true))
                body(range, squares)
            }
        }
    }
}
