import Metrics
import Testing
import Torch

@Suite struct KernelDistanceTests {
    private let golden: MetricGoldens

    init() throws { golden = try MetricGoldens() }

    @Test func equalsTorchFidelity() throws {
        let (real, made) = (try golden["real"], try golden["made"])
        let whole = KernelDistance.between(real[0..<200], made)
        #expect(isClose(whole, golden.answers.kernel.whole, 1e-5), "\(whole)")
        let (first, second) = (try golden["subsetsFirst"], try golden["subsetsSecond"])
        let subsets = (0..<first.shape[0]).map {
            KernelDistance.Subset(first: first[$0].integers(), second: second[$0].integers())
        }
        let mean = KernelDistance.between(real, made, subsets: subsets)
        #expect(isClose(mean, golden.answers.kernel.mean, 1e-5), "\(mean)")
    }

    private func normal(_ count: Int, seed: UInt64) -> Tensor {
        Tensor.normal([count, 8], random: RandomSource(seed: seed))
    }

    @Test func closerSetsAreNearer() {
        let real = normal(600, seed: 1)
        let distances = [0.6, 0.3, 0].map { KernelDistance.estimate(real, normal(600, seed: 2) + $0).value }
        #expect(distances[0] > 2 * distances[1] && distances[1] > 2 * abs(distances[2]), "\(distances)")
    }

    /// The width of the interval matches the spread over independent samples, also for overlapping subsets.
    @Test(arguments: [20, 100])
    func intervalMatchesSpread(size: Int) throws {
        var (values, widths): ([Double], [Double]) = ([], [])
        for draw in 0..<30 {
            let (a, b) = (normal(200, seed: UInt64(100 + draw)), normal(200, seed: UInt64(200 + draw)) + 0.4)
            let found = KernelDistance.estimate(a, b, size: size, seed: UInt64(draw))
            let interval = try #require(found.interval)
            values.append(found.value)
            widths.append((interval.upperBound - interval.lowerBound) / (2 * 1.96))
        }
        let center = values.reduce(0, +) / 30
        let spread = (values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / 29).squareRoot()
        let claimed = widths.reduce(0, +) / 30
        #expect(claimed > 0.6 * spread && claimed < 1.7 * spread, "claimed \(claimed), found \(spread)")
    }

    // MARK: Inception score

    @Test func inceptionScoreEqualsTorchFidelity() throws {
        let logits = try golden["logits"]
        #expect(golden.answers.inceptionScore.count == 3)
        for (splits, score) in golden.answers.inceptionScore {
            let count = try #require(Int(splits))
            let found = InceptionScore.estimate(logits: logits, splits: count)
            #expect(isClose(found.value, score, 1e-9), "\(found) against \(score)")
            #expect((found.interval == nil) == (count == 1))
        }
    }

    /// Ten parts have nine degrees of freedom, so Student's quantile is 2.262.
    @Test func inceptionScoreHasAStudentInterval() throws {
        let logits = try golden["logits"]
        let scores = InceptionScore.scores(logits: logits, splits: 10)
        let found = InceptionScore.estimate(logits: logits, splits: 10)
        let mean = scores.reduce(0, +) / 10
        let deviation = (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 9).squareRoot()
        let interval = try #require(found.interval)
        let reach = (interval.upperBound - interval.lowerBound) / 2
        #expect(isClose(reach, 2.262 * deviation / 10.squareRoot(), 0.003))
        #expect(found.notes.contains { $0.contains("parts of 12 pictures") })
    }

    @Test func inceptionScoreBounds() {
        let sure = Tensor.identity(10) * 200
        #expect(isClose(InceptionScore.scores(logits: sure, splits: 1)[0], 10, 1e-9))
        #expect(isClose(InceptionScore.scores(logits: .zeros([20, 10]), splits: 1)[0], 1, 1e-9))
        // A single class with certainty scores 1.
        let same = Tensor.concatenated(
            [Tensor(Array(repeating: Float(50), count: 20), shape: [20, 1]), .zeros([20, 9])], 1)
        #expect(isClose(InceptionScore.scores(logits: same, splits: 2)[1], 1, 1e-9))
    }
}
