import Torch

/// Pictures split into bands of detail, one octave each (Burt and Adelson 1983).
enum LaplacianPyramid {
    /// Sides of the levels of pictures of `side` pixels: full size, halves, down to `smallest`; at least one.
    static func sides(_ side: Int, smallest: Int = 16) -> [Int] {
        var sides = [side]
        while let last = sides.last, last % 2 == 0, last / 2 >= smallest { sides.append(last / 2) }
        return sides
    }

    /// Levels of pictures [N, C, H, H], the finest first: what each loses when it is halved; the last is the rest.
    static func levels(of pictures: Tensor) -> [Tensor] {
        let (count, channels) = (pictures.shape[0], pictures.shape[1])
        // [N C, 1, H, H]: one filter for all channels.
        var rest = pictures.reshape([count * channels, 1, pictures.shape[2], pictures.shape[3]])
        var levels: [Tensor] = []
        for _ in sides(pictures.shape[2]).dropFirst() {
            let half = halved(rest)
            levels.append(rest - doubled(half))
            rest = half
        }
        levels.append(rest)
        return levels.map { $0.reshape([count, channels, $0.shape[2], $0.shape[3]]) }
    }

    /// [N, 1, H, W] to [N, 1, H / 2, W / 2].
    private static func halved(_ x: Tensor) -> Tensor {
        x.reflectionPadded([2, 2, 2, 2]).conv2d(weight: kernel(1).to(x.device), bias: nil, stride: 2)
    }

    /// [N, 1, H, W] to [N, 1, 2 H, 2 W]: zeros put between the pixels, then smoothed.
    private static func doubled(_ x: Tensor) -> Tensor {
        let (count, height, width) = (x.shape[0], x.shape[2], x.shape[3])
        let rows = Tensor.stacked([x, Tensor.zeros(like: x)], 3)  // [N, 1, H, 2, W]
        let both = Tensor.stacked([rows, Tensor.zeros(like: rows)], 5)  // [N, 1, H, 2, W, 2]
        return both.reshape([count, 1, 2 * height, 2 * width]).reflectionPadded([2, 2, 2, 2])
            .conv2d(weight: kernel(4).to(x.device), bias: nil)
    }

    /// The binomial filter 1 4 6 4 1 in both directions, with the sum `gain`; [1, 1, 5, 5].
    private static func kernel(_ gain: Float) -> Tensor {
        let row: [Float] = [1, 4, 6, 4, 1].map { $0 / 16 }
        return Tensor(row.flatMap { a in row.map { gain * a * $0 } }, shape: [1, 1, 5, 5])
    }
}
