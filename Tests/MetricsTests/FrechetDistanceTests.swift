import Foundation
import Metrics
import Testing
import Torch

@Suite struct FrechetDistanceTests {
    private let golden: MetricGoldens

    init() throws { golden = try MetricGoldens() }

    private func normal(_ shape: [Int], seed: UInt64) -> Tensor {
        Tensor.normal(shape, random: RandomSource(seed: seed))
    }

    // MARK: Moments

    /// Merged batches of any size have the moments of all rows, also for features far from zero.
    @Test(arguments: [0.0, 1e6])
    func batchesAreMerged(offset: Double) throws {
        let rows = normal([57, 9], seed: 1).to(.float64) + offset
        let stream = FeatureMoments(dimension: 9)
        for range in [0..<1, 1..<2, 2..<20, 20..<57] { stream.add(rows[range]) }
        // Expected moments from features near zero, by the definition.
        let small = rows - offset
        let mean = small.mean([0])
        let centered = small - mean
        let covariance = centered.transposed(0, 1).matmul(centered) / 56
        #expect(stream.count == 57 && stream.mean.dtype == .float64)
        #expect((stream.mean - offset - mean).abs().max().item() < 1e-15 * max(1, offset) * 10)
        let error = (stream.covariance - covariance).abs().max().item()
        #expect(error < 1e-9 * covariance.abs().max().item(), "off by \(error)")
    }

    @Test func momentsContinue() {
        let rows = normal([40, 6], seed: 2)
        let first = FeatureMoments(of: rows[0..<25])
        let kept = FeatureMoments(count: first.count, mean: first.mean, covariance: first.covariance)
        kept.add(rows[25..<40])
        let whole = FeatureMoments(of: rows)
        #expect(kept.count == 40)
        #expect((kept.covariance - whole.covariance).abs().max().item() < 1e-13)
        #expect((kept.mean - whole.mean).abs().max().item() < 1e-13)
        // The source of the saved values does not change.
        #expect(first.count == 25)
    }

    // MARK: Distance

    /// Equals pytorch-fid and torch-fidelity: full rank, features far from zero, and rank-deficient covariances.
    @Test func equalsOtherPrograms() throws {
        let (real, made) = (try golden["real"], try golden["made"])
        let cases = [
            "usual": (real, made), "far": (real + 1000, made + 1000),
            "few": (try golden["few"], try golden["fewMade"]), "fewToMany": (try golden["fewer"], made),
        ]
        #expect(Set(cases.keys) == Set(golden.answers.frechet.keys))
        for (name, sets) in cases {
            let answer = try #require(golden.answers.frechet[name])
            let (a, b) = (FeatureMoments(of: sets.0), FeatureMoments(of: sets.1))
            for found in [FrechetDistance.between(a, b), FrechetDistance.between(b, a)] {
                #expect(isClose(found, answer.torchFidelity, 1e-5), "\(name): \(found) against \(answer)")
                #expect(isClose(found, answer.pytorchFID, 1e-5), "\(name): \(found) against \(answer)")
            }
        }
    }

    @Test func equalSets() {
        for count in [200, 10] {
            let moments = FeatureMoments(of: normal([count, 20], seed: 3))
            #expect(abs(FrechetDistance.between(moments, moments)) < 1e-6)
        }
        let constant = FeatureMoments(of: Tensor.ones([8, 4]))
        let other = FeatureMoments(of: Tensor.full([8, 4], 3))
        #expect(FrechetDistance.between(constant, constant) == 0)
        #expect(FrechetDistance.between(constant, other) == 16)
    }

    @Test func closerSetsAreNearer() {
        let real = FeatureMoments(of: normal([400, 12], seed: 3))
        let found = [2.0, 1.0, 0.5, 0].map {
            FrechetDistance.between(
                real, FeatureMoments(of: normal([400, 12], seed: 4) * (1 + 0.2 * $0) + $0))
        }
        #expect(zip(found, found.dropFirst()).allSatisfy { $0 > 1.5 * $1 }, "\(found)")
    }

    /// Constant features make both covariances rank-deficient without an effect on the distance.
    @Test func constantFeatures() {
        let (a, b) = (normal([300, 8], seed: 4), normal([300, 8], seed: 5) * 1.3)
        let expected = FrechetDistance.between(FeatureMoments(of: a), FeatureMoments(of: b))
        func dead(_ x: Tensor) -> FeatureMoments {
            FeatureMoments(of: .concatenated([x, .full([300, 3], 0.7)], 1))
        }
        #expect(isClose(FrechetDistance.between(dead(a), dead(b)), expected, 1e-9))
    }

    @Test func nonFiniteFeatures() {
        let (a, b) = (normal([30, 4], seed: 6), normal([30, 4], seed: 7))
        for odd in [Float.nan, .infinity] {
            let broken = Tensor.concatenated([b, Tensor([odd, 0, 0, 0], shape: [1, 4])])
            let found = FrechetDistance.estimate(
                FeatureMoments(of: a), FeatureMoments(of: broken), sampleA: a, sampleB: broken)
            #expect(found.value.isNaN && found.interval == nil && found.notes.count > 1)
        }
    }

    // MARK: Noise

    private func estimate(_ a: Tensor, _ b: Tensor, seed: UInt64 = 0) -> Estimate {
        FrechetDistance.estimate(
            FeatureMoments(of: a), FeatureMoments(of: b), sampleA: a, sampleB: b, seed: seed)
    }

    @Test func extrapolationOfEqualDistributions() throws {
        let (a, b) = (normal([1200, 32], seed: 8), normal([1200, 32], seed: 9))
        let found = estimate(a, b)
        let limit = try #require(found.atInfinity)
        // The value consists of bias only.
        #expect(found.value > 0.2 && abs(limit) < 0.2 * found.value, "\(found)")
        #expect(estimate(a, b) == found)
        #expect(estimate(a, b, seed: 1) != found)
    }

    /// The extrapolation equals the distance of the distributions.
    @Test func extrapolation() throws {
        // |0.5|^2 in each of 16 features, and deviations of 1 and 1.5: 16 (0.25 + 0.25).
        let found = estimate(normal([4000, 16], seed: 10), normal([4000, 16], seed: 11) * 1.5 + 0.5)
        #expect(isClose(try #require(found.atInfinity), 8, 0.05), "\(found)")
        // The smallest subsets have fewer pictures than features.
        let few = estimate(normal([40, 16], seed: 12), normal([40, 16], seed: 13))
        #expect(few.notes.contains { $0.contains("the extrapolation is inaccurate") })
    }

    /// The width of the interval matches the spread over independent samples.
    @Test func intervalMatchesSpread() throws {
        var (values, widths): ([Double], [Double]) = ([], [])
        for draw in 0..<24 {
            let (a, b) = (
                normal([150, 6], seed: UInt64(100 + draw)), normal([150, 6], seed: UInt64(200 + draw))
            )
            let found = estimate(a, b * 1.4 + 0.3)
            let interval = try #require(found.interval)
            values.append(found.value)
            widths.append((interval.upperBound - interval.lowerBound) / (2 * 1.96))
            #expect(isClose(interval.upperBound + interval.lowerBound, 2 * found.value, 1e-9))
        }
        let center = values.reduce(0, +) / 24
        let spread = (values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / 23).squareRoot()
        let claimed = widths.reduce(0, +) / 24
        #expect(claimed > 0.6 * spread && claimed < 1.7 * spread, "claimed \(claimed), found \(spread)")
    }

    /// The computations for more and for fewer features than pictures agree at the transition.
    @Test func intervalOfFewPictures() throws {
        let (a, b) = (normal([32, 32], seed: 14), normal([32, 32], seed: 15) + 0.5)
        let small = estimate(a, b)
        // One feature fewer than pictures selects the computation with covariance matrices.
        let large = estimate(a.narrow(1, start: 0, length: 31), b.narrow(1, start: 0, length: 31))
        #expect(small.notes.contains { $0.contains("not of full rank") })
        let (x, y) = (try #require(small.interval), try #require(large.interval))
        #expect(isClose(x.upperBound - x.lowerBound, y.upperBound - y.lowerBound, 0.15), "\(small) \(large)")
    }

    @Test func exactSets() throws {
        let (a, b) = (normal([500, 6], seed: 16), normal([500, 6], seed: 17) + 0.2)
        let moments = (FeatureMoments(of: a), FeatureMoments(of: b))
        #expect(FrechetDistance.estimate(moments.0, moments.1).interval == nil)
        #expect(FrechetDistance.estimate(moments.0, moments.1).atInfinity == nil)
        let one = FrechetDistance.estimate(moments.0, moments.1, sampleB: b)
        let both = estimate(a, b)
        let (x, y) = (try #require(one.interval), try #require(both.interval))
        #expect(x.upperBound - x.lowerBound < y.upperBound - y.lowerBound)
        #expect(one.notes.contains { $0.contains("exact") } && one.value == both.value)
    }

    @Test func notesWarnOfFewPictures() {
        func notes(_ count: Int) -> [String] {
            let moments = FeatureMoments(of: normal([count, 4], seed: 18))
            return FrechetDistance.estimate(moments, moments).notes
        }
        #expect(notes(2048).isEmpty)
        #expect(notes(2047).count == 1)
        #expect(notes(4).count == 2)
    }
}
