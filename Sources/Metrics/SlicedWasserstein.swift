import Dispatch
import Torch

/// Sliced Wasserstein distance between patches of two sets of pictures, one for each band of detail (Karras et al. 2018,
/// section 5).
///
/// From every level of a Laplacian pyramid, random patches of 7 x 7 pixels are taken; both sets of patches are projected
/// onto random directions, and the mean distance between the sorted projections, times 1,000, is the level's value.
/// Fine levels see sharpness and noise, the coarsest one sees shapes and colors; 0 is equality. Unlike in the paper, both sets are
/// scaled by the color deviations of the reference, so that a cast of color or a loss of contrast counts.
///
/// It falls with the number of pictures, so compare values only at one count, one protocol and one side.
public struct SlicedWasserstein: Sendable {
    /// One band of detail.
    public struct Level: Sendable, Equatable {
        /// Side of the level's pictures.
        public let side: Int
        /// Distance times 1,000.
        public let value: Double
        /// Its standard error over other pictures of the same kind.
        public let error: Double
    }

    /// What a comparison gives.
    public struct Result: Sendable, Equatable {
        /// The finest first.
        public let levels: [Level]
        /// Mean of the levels.
        public let value: Double
        /// Standard error of the mean over other pictures: a jackknife that leaves out an eighth of both sets at a time.
        public let error: Double
        /// Pictures in each set.
        public let count: Int
    }

    /// Patches of each picture on each level; the paper takes 128 of 16,384 pictures.
    public var patchesPerPicture = 32
    /// Random directions on each level.
    public var directions = 256
    /// Of places and directions; the same seed gives the same value.
    public var seed: UInt64 = 0

    private static let patch = 7
    private static let groups = 8

    public init(patchesPerPicture: Int = 32, directions: Int = 256, seed: UInt64 = 0) {
        (self.patchesPerPicture, self.directions, self.seed) = (patchesPerPicture, directions, seed)
    }

    /// Compares two sets of `count` pictures.
    ///
    /// Memory: 600 bytes a patch, in both sets and on every level.
    /// - Parameters:
    ///   - count: pictures in each set, 2 or more.
    ///   - batchSize: pictures asked for at once.
    ///   - reference: real pictures of a range of indices, [N, 3, H, H] with H >= 8, in -1...1.
    ///   - judged: pictures to compare with them, of the same shape.
    public func callAsFunction(
        count: Int, batchSize: Int = 64, reference: (Range<Int>) -> Tensor, judged: (Range<Int>) -> Tensor
    ) -> Result {
        precondition(count >= 2, "SlicedWasserstein: expected 2 pictures or more, got \(count)")
        return withoutGradients {
            let random = RandomSource(seed: seed)
            var stores: [(side: Int, real: Tensor, made: Tensor)] = []
            for start in stride(from: 0, to: count, by: batchSize) {
                let range = start..<min(count, start + batchSize)
                let (real, made) = (reference(range), judged(range))
                precondition(
                    real.shape == made.shape && real.rank == 4 && real.shape[0] == range.count
                        && real.shape[2] == real.shape[3] && real.shape[2] >= Self.patch,
                    "SlicedWasserstein: expected [\(range.count), C, H, H] twice, got \(real.shape), \(made.shape)"
                )
                if stores.isEmpty {
                    let size = real.shape[1] * Self.patch * Self.patch
                    stores = LaplacianPyramid.sides(real.shape[2]).map {
                        let shape = [count * patchesPerPicture, size]
                        return (
                            $0, Tensor.zeros(shape, on: real.device), Tensor.zeros(shape, on: real.device)
                        )
                    }
                }
                let rows = (range.lowerBound * patchesPerPicture)..<(range.upperBound * patchesPerPicture)
                let levels = zip(
                    LaplacianPyramid.levels(of: real.to(.float32)),
                    LaplacianPyramid.levels(of: made.to(.float32)))
                for (store, level) in zip(stores, levels) {
                    // The same places in both sets, so that where a patch lies adds no noise.
                    let places = places(random, pictures: range.count, level.0)
                    store.real[rows].copy_(patches(level.0, places))
                    store.made[rows].copy_(patches(level.1, places))
                }
            }
            return compare(&stores, count: count, random)
        }
    }

    // MARK: Patches

    /// Indices into a flattened picture [N, patches x C x 7 x 7].
    private func places(_ random: RandomSource, pictures: Int, _ level: Tensor) -> Tensor {
        let (channels, side, patch) = (level.shape[1], level.shape[2], Self.patch)
        let random = Tensor.uniform([pictures * patchesPerPicture, 2], random: random).floats()
        let span = Float(side - patch + 1)
        let corners = (0..<(pictures * patchesPerPicture)).map {
            Int(random[2 * $0] * span) * side + Int(random[2 * $0 + 1] * span)
        }
        let offsets = (0..<channels).flatMap { channel in
            (0..<patch).flatMap { y in (0..<patch).map { (channel * side + y) * side + $0 } }
        }
        return (Tensor(corners, shape: [corners.count, 1]) + Tensor(offsets)).reshape([pictures, -1])
            .to(level.device)
    }

    /// [N x patches, C x 7 x 7]
    private func patches(_ level: Tensor, _ places: Tensor) -> Tensor {
        level.flattened(from: 1).gather(1, places).reshape([level.shape[0] * patchesPerPicture, -1])
    }

    // MARK: Distances

    private func compare(
        _ stores: inout [(side: Int, real: Tensor, made: Tensor)], count: Int, _ random: RandomSource
    ) -> Result {
        let groupCount = min(Self.groups, count)
        let groups = (0..<count).flatMap { picture in
            [UInt8](repeating: UInt8(picture % groupCount), count: patchesPerPicture)
        }
        var levels: [Level] = []
        // Of all levels together: the value without each group.
        var means = [Double](repeating: 0, count: groupCount)
        let levelCount = Double(stores.count)
        while !stores.isEmpty {
            let (side, real, made) = stores.removeFirst()
            let slices = slices(real, random)
            let found = distances(real, made, slices, groups: groups, groupCount: groupCount)
            levels.append(Level(side: side, value: found.whole, error: Self.jackknife(found.parts)))
            for (index, part) in found.parts.enumerated() { means[index] += part / levelCount }
        }
        return Result(
            levels: levels, value: levels.reduce(0) { $0 + $1.value } / levelCount,
            error: Self.jackknife(means), count: count)
    }

    /// Directions of length 1 [directions, C x 7 x 7], divided by the reference's deviation in each channel.
    private func slices(_ real: Tensor, _ random: RandomSource) -> Tensor {
        let area = Self.patch * Self.patch
        let channels = real.shape[1] / area
        let raw = Tensor.normal([directions, channels * area], random: random)
        let unit = (raw / raw.square().sum([1], keep: true).sqrt()).to(real.device)
        // [C]; a shift by the mean would move both sets alike.
        let deviation = real.reshape([-1, channels, area]).variance([0, 2]).sqrt().clampedBelow(1e-6)
        return (unit.reshape([directions, channels, area]) / deviation.reshape([1, channels, 1]))
            .reshape([directions, -1])
    }

    /// The mean over directions of the distance between both sets, and of the sets without each group.
    private func distances(
        _ real: Tensor, _ made: Tensor, _ slices: Tensor, groups: [UInt8], groupCount: Int
    ) -> (whole: Double, parts: [Double]) {
        let width = groupCount + 1
        var sums = [Double](repeating: 0, count: width)
        let chunk = 32
        for start in stride(from: 0, to: directions, by: chunk) {
            let rows = slices[start..<min(directions, start + chunk)]
            // [chunk, patches], on the host
            let a = rows.matmul(real.transposed(0, 1)).floats()
            let b = rows.matmul(made.transposed(0, 1)).floats()
            let found = Self.inParallel(rows.shape[0], width: width) { row, out, scratch in
                func sorted(_ all: [Float]) -> SortedValues {
                    all.withUnsafeBufferPointer {
                        let range = (row * groups.count)..<((row + 1) * groups.count)
                        return SortedValues(.init(rebasing: $0[range]), groups: groups, scratch: &scratch)
                    }
                }
                let (first, second) = (sorted(a), sorted(b))
                out[0] = SortedValues.distance(first.values, second.values)
                for group in 0..<groupCount {
                    out[group + 1] = SortedValues.distance(
                        first.without(UInt8(group)), second.without(UInt8(group)))
                }
            }
            for (index, value) in found.enumerated() { sums[index % width] += value }
        }
        let scaled = sums.map { 1000 * $0 / Double(directions) }
        return (scaled[0], Array(scaled.dropFirst()))
    }

    /// Runs `body` for each row on as many threads as an operator may use; the rows' results in order.
    private static func inParallel(
        _ rows: Int, width: Int,
        _ body: @Sendable (Int, UnsafeMutableBufferPointer<Double>, inout SortedValues.Scratch) -> Void
    ) -> [Double] {
        let threads = max(1, min(rows, Engine.threadCount))
        return [Double](unsafeUninitializedCapacity: rows * width) { buffer, written in
            buffer.initialize(repeating: 0)
            nonisolated(unsafe) let out = buffer
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                var scratch = SortedValues.Scratch()
                for row in stride(from: thread, to: rows, by: threads) {
                    body(row, .init(rebasing: out[(row * width)..<((row + 1) * width)]), &scratch)
                }
            }
            written = rows * width
        }
    }

    /// Standard error from the values without each group (Efron 1982).
    private static func jackknife(_ parts: [Double]) -> Double {
        let count = Double(parts.count)
        let mean = parts.reduce(0, +) / count
        return ((count - 1) / count * parts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
    }
}

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
