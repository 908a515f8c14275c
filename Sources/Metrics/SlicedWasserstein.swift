import Dispatch
import Torch

/// Sliced Wasserstein distance between patches of two sets of pictures, per scale (Karras et al. 2018, section 5).
///
/// Random patches of 7 x 7 pixels from every level of a Laplacian pyramid are projected onto random directions. The
/// value of a level is the mean distance between the sorted projections of the two sets, times 1,000. Fine levels
/// measure sharpness and noise, the coarsest level shapes and colors. Lower is better; equal sets have the value 0.
///
/// Unlike in the paper, both sets are divided by the standard deviation of the reference in each color channel, so that
/// differences in color and contrast count. Values are comparable only for the same number of pictures, protocol and
/// size: they decrease with the number of pictures.
public struct SlicedWasserstein: Sendable {
    /// Result for one level of the pyramid.
    public struct Level: Sendable, Equatable {
        /// Side of the pictures at this level, in pixels.
        public let side: Int
        /// Distance times 1,000.
        public let value: Double
        /// Standard error of the value over samples of pictures.
        public let error: Double
    }

    /// Result of a comparison.
    public struct Result: Sendable, Equatable {
        /// Levels, finest first.
        public let levels: [Level]
        /// Mean value of the levels.
        public let value: Double
        /// Standard error of the mean over samples of pictures, from a jackknife with eight groups.
        public let error: Double
        /// Number of pictures in each set.
        public let count: Int
    }

    /// Patches per picture and level; the paper uses 128 for each of 16,384 pictures.
    public var patchesPerPicture = 32
    /// Number of random directions per level.
    public var directions = 256
    /// Seed of patch positions and directions. Equal seeds give equal values.
    public var seed: UInt64 = 0

    private static let patch = 7
    private static let groups = 8

    /// Creates a metric with the given numbers of patches and directions.
    public init(patchesPerPicture: Int = 32, directions: Int = 256, seed: UInt64 = 0) {
        (self.patchesPerPicture, self.directions, self.seed) = (patchesPerPicture, directions, seed)
    }

    /// Compares two sets of `count` pictures.
    ///
    /// Uses about 600 bytes of memory per patch of each set and level.
    /// - Parameters:
    ///   - count: number of pictures in each set, 2 or more.
    ///   - batchSize: number of pictures per call of the closures.
    ///   - reference: reference pictures for a range of indices, [N, 3, H, H] in -1...1 with H >= 8.
    ///   - evaluated: evaluated pictures for a range of indices, of the same shape.
    public func callAsFunction(
        count: Int, batchSize: Int = 64, reference: (Range<Int>) -> Tensor, evaluated: (Range<Int>) -> Tensor
    ) -> Result {
        precondition(count >= 2, "SlicedWasserstein: expected 2 or more pictures, got \(count)")
        return withoutGradients {
            let random = RandomSource(seed: seed)
            var stores: [(side: Int, real: Tensor, made: Tensor)] = []
            for start in stride(from: 0, to: count, by: batchSize) {
                let range = start..<min(count, start + batchSize)
                let (real, made) = (reference(range), evaluated(range))
                precondition(
                    real.shape == made.shape && real.rank == 4 && real.shape[0] == range.count
                        && real.shape[2] == real.shape[3] && real.shape[2] >= Self.patch,
                    "SlicedWasserstein: expected two tensors [\(range.count), C, H, H] with H of \(Self.patch) or more, "
                        + "got \(real.shape) and \(made.shape)"
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
                    // Equal positions in both sets, so that positions add no noise.
                    let indices = patchIndices(random, pictures: range.count, level.0)
                    store.real[rows].copy_(patches(level.0, indices))
                    store.made[rows].copy_(patches(level.1, indices))
                }
            }
            return compare(&stores, count: count, random)
        }
    }

    // MARK: Patches

    /// Indices [N, patches * C * 7 * 7] of random patches in flattened pictures.
    private func patchIndices(_ random: RandomSource, pictures: Int, _ level: Tensor) -> Tensor {
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

    /// Patches [N * patches, C * 7 * 7] of pictures [N, C, H, H].
    private func patches(_ level: Tensor, _ indices: Tensor) -> Tensor {
        level.flattened(from: 1).gather(1, indices).reshape([level.shape[0] * patchesPerPicture, -1])
    }

    // MARK: Distances

    /// Distances and errors of all levels. Each store is freed after its level.
    private func compare(
        _ stores: inout [(side: Int, real: Tensor, made: Tensor)], count: Int, _ random: RandomSource
    ) -> Result {
        let groupCount = min(Self.groups, count)
        let groups = (0..<count).flatMap { picture in
            [UInt8](repeating: UInt8(picture % groupCount), count: patchesPerPicture)
        }
        var levels: [Level] = []
        // Mean over the levels of the value without each group.
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

    /// Unit directions [directions, C * 7 * 7], divided by the standard deviation of the reference in each channel.
    private func slices(_ real: Tensor, _ random: RandomSource) -> Tensor {
        let area = Self.patch * Self.patch
        let channels = real.shape[1] / area
        let raw = Tensor.normal([directions, channels * area], random: random)
        let unit = (raw / raw.square().sum([1], keep: true).sqrt()).to(real.device)
        // [C]; the mean is not subtracted because it would shift both sets equally.
        let deviation = real.reshape([-1, channels, area]).variance([0, 2]).sqrt().clampedBelow(1e-6)
        return (unit.reshape([directions, channels, area]) / deviation.reshape([1, channels, 1]))
            .reshape([directions, -1])
    }

    /// Mean distance over directions between both sets, and between the sets without each group.
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

    /// Runs `body` for each row on as many threads as one operator uses. Returns `width` results per row, in order.
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

    /// Jackknife standard error from the values without each group (Efron 1982).
    private static func jackknife(_ parts: [Double]) -> Double {
        let count = Double(parts.count)
        let mean = parts.reduce(0, +) / count
        return ((count - 1) / count * parts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
    }
}

/// Laplacian pyramid (Burt and Adelson 1983).
enum LaplacianPyramid {
    /// Sides of the levels for pictures of `side` pixels: repeated halves, not below `smallest`; at least one level.
    static func sides(_ side: Int, smallest: Int = 16) -> [Int] {
        var sides = [side]
        while let last = sides.last, last % 2 == 0, last / 2 >= smallest { sides.append(last / 2) }
        return sides
    }

    /// Levels [N, C, h, h] of pictures [N, C, H, H], finest first.
    ///
    /// Each level is the difference between a picture and its reduced and enlarged copy; the last is the reduced
    /// picture.
    static func levels(of pictures: Tensor) -> [Tensor] {
        let (count, channels) = (pictures.shape[0], pictures.shape[1])
        // [N * C, 1, H, H], because all channels have the same filter.
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

    /// Reduction: [N, 1, H, W] to [N, 1, H / 2, W / 2].
    private static func halved(_ x: Tensor) -> Tensor {
        x.reflectionPadded([2, 2, 2, 2]).conv2d(weight: kernel(1).to(x.device), bias: nil, stride: 2)
    }

    /// Enlargement by inserted zeros and a filter: [N, 1, H, W] to [N, 1, 2 H, 2 W].
    private static func doubled(_ x: Tensor) -> Tensor {
        let (count, height, width) = (x.shape[0], x.shape[2], x.shape[3])
        let rows = Tensor.stacked([x, Tensor.zeros(like: x)], 3)  // [N, 1, H, 2, W]
        let both = Tensor.stacked([rows, Tensor.zeros(like: rows)], 5)  // [N, 1, H, 2, W, 2]
        return both.reshape([count, 1, 2 * height, 2 * width]).reflectionPadded([2, 2, 2, 2])
            .conv2d(weight: kernel(4).to(x.device), bias: nil)
    }

    /// Separable binomial filter 1 4 6 4 1 with the sum `gain`, [1, 1, 5, 5].
    private static func kernel(_ gain: Float) -> Tensor {
        let row: [Float] = [1, 4, 6, 4, 1].map { $0 / 16 }
        return Tensor(row.flatMap { a in row.map { gain * a * $0 } }, shape: [1, 1, 5, 5])
    }
}

/// Values in ascending order, each with its group.
struct SortedValues {
    /// Values, ascending.
    private(set) var values: [Float]
    /// Group of each value.
    private(set) var groups: [UInt8]

    /// Sorts values with a radix sort in three passes of 11 bits.
    /// - Parameters:
    ///   - groups: group of each value.
    ///   - scratch: buffers that calls reuse.
    init(_ unsorted: UnsafeBufferPointer<Float>, groups: [UInt8], scratch: inout Scratch) {
        let count = unsorted.count
        precondition(groups.count == count, "SortedValues: expected \(count) groups, got \(groups.count)")
        scratch.grow(to: count)
        var counts = [Int](repeating: 0, count: 3 << 11)
        for index in 0..<count {
            // Maps the bits to integers in the order of the values: negative numbers inverted, below positive ones.
            let bits = unsorted[index].bitPattern
            let key = bits ^ (bits >> 31 == 1 ? 0xFFFF_FFFF : 0x8000_0000)
            scratch.from[index] = UInt64(key) << 8 | UInt64(groups[index])
            counts[Int(key & 2047)] += 1
            counts[2048 + Int(key >> 11 & 2047)] += 1
            counts[4096 + Int(key >> 22)] += 1
        }
        for pass in 0..<3 {
            var next = 0
            for digit in (pass << 11)..<((pass + 1) << 11) {
                (counts[digit], next) = (next, next + counts[digit])
            }
            let shift = UInt64(8 + 11 * pass)
            for index in 0..<count {
                let item = scratch.from[index]
                let slot = pass << 11 + Int(item >> shift & 2047)
                scratch.to[counts[slot]] = item
                counts[slot] += 1
            }
            swap(&scratch.from, &scratch.to)
        }
        let sorted = scratch.from
        values = [Float](unsafeUninitializedCapacity: count) { buffer, written in
            for index in 0..<count {
                let key = UInt32(truncatingIfNeeded: sorted[index] >> 8)
                buffer[index] = Float(bitPattern: key ^ (key >> 31 == 1 ? 0x8000_0000 : 0xFFFF_FFFF))
            }
            written = count
        }
        self.groups = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            for index in 0..<count { buffer[index] = UInt8(truncatingIfNeeded: sorted[index]) }
            written = count
        }
    }

    /// Working memory of the sort.
    struct Scratch {
        fileprivate var from: [UInt64] = []
        fileprivate var to: [UInt64] = []

        fileprivate mutating func grow(to count: Int) {
            guard from.count < count else { return }
            from = [UInt64](repeating: 0, count: count)
            to = from
        }
    }

    /// Values of all groups except one, ascending.
    func without(_ group: UInt8) -> [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { buffer, written in
            var place = 0
            for index in values.indices {
                buffer[place] = values[index]
                place += groups[index] == group ? 0 : 1
            }
            written = place
        }
    }

    /// Wasserstein-1 distance between two sorted lists of equal length: the mean absolute difference at equal ranks.
    static func distance(_ a: [Float], _ b: [Float]) -> Double {
        precondition(a.count == b.count, "distance: expected equal counts, got \(a.count) and \(b.count)")
        // Four partial sums, because one sum would serialize the additions.
        var sums = SIMD4<Double>.zero
        let whole = a.count & ~3
        for index in stride(from: 0, to: whole, by: 4) {
            let difference = SIMD4<Float>(
                a[index] - b[index], a[index + 1] - b[index + 1], a[index + 2] - b[index + 2],
                a[index + 3] - b[index + 3])
            sums += SIMD4<Double>(difference.replacing(with: -difference, where: difference .< 0))
        }
        var sum = sums.sum()
        for index in whole..<a.count { sum += Double(abs(a[index] - b[index])) }
        return sum / Double(max(1, a.count))
    }
}
