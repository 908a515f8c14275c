import Metrics
import Testing
import Torch

@Suite struct PrecisionRecallTests {
    private let golden: MetricGoldens

    init() throws { golden = try MetricGoldens() }

    /// All four equal prdc exactly, and the first two torch-fidelity.
    @Test func equalsOtherPrograms() throws {
        let (real, made) = (try golden["real"], try golden["made"])
        #expect(golden.answers.neighbors.count == 3)
        for one in golden.answers.neighbors {
            for offset in [0.0, 500] {
                let found = PrecisionRecall(
                    evaluated: made + offset, reference: real + offset, neighbors: one.neighbors,
                    densityNeighbors: one.densityNeighbors)
                #expect(isClose(found.precision.value, one.precision, 1e-12), "\(found) against \(one)")
                #expect(isClose(found.recall.value, one.recall, 1e-12), "\(found) against \(one)")
                #expect(isClose(found.density.value, one.density, 1e-12), "\(found) against \(one)")
                #expect(isClose(found.coverage.value, one.coverage, 1e-12), "\(found) against \(one)")
                // torch-fidelity uses single precision.
                #expect(isClose(found.precision.value, one.fidelityPrecision, 1e-7))
                #expect(isClose(found.recall.value, one.fidelityRecall, 1e-7))
            }
        }
    }

    private func normal(_ count: Int, seed: UInt64) -> Tensor {
        Tensor.normal([count, 4], random: RandomSource(seed: seed))
    }

    /// Ten distant modes of 40 pictures each.
    private func modes(seed: UInt64) -> Tensor {
        let random = RandomSource(seed: 77)
        let centers = Tensor.normal([10, 1, 4], random: random) * 20
        return (normal(400, seed: seed).reshape([10, 40, 4]) + centers).reshape([400, 4])
    }

    @Test func collapsedGenerator() throws {
        let collapsed = modes(seed: 2)[40..<80]
        let found = PrecisionRecall(evaluated: collapsed, reference: modes(seed: 1))
        // It covers one of ten modes.
        #expect(found.precision.value > 0.8 && found.recall.value <= 0.1, "\(found)")
        #expect(found.coverage.value <= 0.1, "\(found)")
        let swapped = PrecisionRecall(evaluated: modes(seed: 1), reference: collapsed)
        #expect(swapped.precision.value < 0.1 && swapped.recall.value > 0.8, "\(swapped)")
        let interval = try #require(found.precision.interval)
        #expect(interval.contains(found.precision.value) && interval.upperBound <= 1)
    }

    @Test func allModes() {
        let found = PrecisionRecall(evaluated: modes(seed: 2), reference: modes(seed: 1))
        #expect(found.precision.value > 0.8 && found.recall.value > 0.8)
        #expect(abs(found.density.value - 1) < 0.15 && found.coverage.value > 0.9)
    }

    @Test func closerSetsScoreHigher() {
        let real = normal(300, seed: 1)
        let found = [3.0, 1.5, 0].map {
            PrecisionRecall(evaluated: normal(300, seed: 2) + $0, reference: real)
        }
        for (worse, better) in zip(found, found.dropFirst()) {
            #expect(
                worse.precision.value < better.precision.value && worse.recall.value < better.recall.value)
            #expect(
                worse.density.value < better.density.value && worse.coverage.value < better.coverage.value)
        }
    }

    /// Results over several blocks equal the definitions.
    @Test func blocksAreJoined() {
        let (made, real) = (normal(4000, seed: 3), normal(4000, seed: 4) * 1.2)
        let found = PrecisionRecall(evaluated: made, reference: real)
        let squares = Self.squares(made, real)
        let within = Self.squares(real, real).smallest(6, 1).values
        let (radius, wide) = (within.select(1, 3), within.select(1, 5))
        let madeRadius = Self.squares(made, made).smallest(4, 1).values.narrow(1, start: 3, length: 1)
        func share(_ hits: Tensor) -> Double { hits.to(.float64).mean().item() }
        #expect(isClose(found.precision.value, share(squares.lessOrEqual(to: radius).any(1)), 1e-12))
        #expect(isClose(found.recall.value, share(squares.lessOrEqual(to: madeRadius).any(0)), 1e-12))
        #expect(isClose(found.density.value, share(squares.less(than: wide).sum([1])) / 5, 1e-12))
        #expect(isClose(found.coverage.value, share(squares.less(than: wide).any(0)), 1e-12))
        let nearest = squares.smallest(1, 1)
        let matches = NearestNeighbors.find(made, in: real)
        #expect(matches.indices == nearest.indices.integers())
        #expect(areNear(matches.distances, nearest.values.sqrt().doubles(), 1e-9))
    }

    /// All squared distances, accumulated feature by feature.
    private static func squares(_ x: Tensor, _ y: Tensor) -> Tensor {
        (0..<x.shape[1]).reduce(Tensor.zeros([1], dtype: .float64)) { sum, feature in
            let (a, b) = (x.select(1, feature).to(.float64), y.select(1, feature).to(.float64))
            return sum + (a.unsqueezed(1) - b.unsqueezed(0)).square()
        }
    }
}
