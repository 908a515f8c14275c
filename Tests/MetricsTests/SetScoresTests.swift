import Foundation
import Metrics
import Testing
import Torch

@Suite struct SetScoresTests {
    private func normal(_ shape: [Int], seed: UInt64) -> Tensor {
        Tensor.normal(shape, random: RandomSource(seed: seed))
    }

    private func distance(_ a: Tensor, _ b: Tensor) -> Tensor { (a - b).norm([1]) }

    // MARK: Diversity

    @Test func diversityIsTheMeanDistance() throws {
        let x = normal([60, 5], seed: 1)
        let found = Diversity.estimate(x, pairs: 6000, batchSize: 77, distance: distance)
        // All pairs of different pictures.
        let all = (x.unsqueezed(0) - x.unsqueezed(1)).norm([2]).sum().item() / (60 * 59)
        #expect(isClose(found.value, all, 0.01), "\(found) against \(all)")
        #expect(
            Diversity.estimate(x, pairs: 50, distance: distance)
                == Diversity.estimate(x, pairs: 50, distance: distance))
        #expect(Diversity.estimate(Tensor.ones([9, 5]), pairs: 20, distance: distance).value == 0)
        let narrow = Diversity.estimate(x * 0.5, pairs: 6000, distance: distance)
        #expect(isClose(narrow.value, 0.5 * found.value, 1e-6))
    }

    /// The interval matches the spread for few pairs and for many pairs that share pictures.
    @Test(arguments: [20, 2000])
    func diversityInterval(pairs: Int) throws {
        var (values, widths): ([Double], [Double]) = ([], [])
        for draw in 0..<40 {
            let found = Diversity.estimate(
                normal([40, 3], seed: UInt64(draw)), pairs: pairs, batchSize: 500, distance: distance)
            let interval = try #require(found.interval)
            values.append(found.value)
            widths.append((interval.upperBound - interval.lowerBound) / (2 * 1.96))
        }
        let center = values.reduce(0, +) / 40
        let spread = (values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / 39).squareRoot()
        let claimed = widths.reduce(0, +) / 40
        #expect(claimed > 0.65 * spread && claimed < 1.6 * spread, "claimed \(claimed), found \(spread)")
    }

    // MARK: Memorization

    @Test func copiesAreFound() throws {
        let reference = normal([400, 6], seed: 2) + 100
        let fresh = NearestNeighbors.memorization(
            evaluated: normal([400, 6], seed: 3) + 100, reference: reference)
        let mean = fresh.quantiles.reduce(0, +) / 400
        #expect(abs(mean - 0.5) < 0.06, "\(mean)")

        let order = Tensor.permutation(400, random: RandomSource(seed: 4))
        let copies = NearestNeighbors.memorization(
            evaluated: reference.indexSelect(0, order), reference: reference)
        #expect(copies.matches.indices == order.integers())
        #expect(copies.matches.distances.allSatisfy { $0 == 0 } && copies.quantiles.allSatisfy { $0 == 0 })
        #expect(copies.copied.value == 1)

        let far = NearestNeighbors.memorization(evaluated: reference[0..<9] + 50, reference: reference)
        #expect(far.copied.value == 0 && far.quantiles.allSatisfy { $0 == 1 })
    }

    /// For independent pictures of one distribution, about 95 % of the intervals contain 1 %.
    @Test func memorizationInterval() throws {
        var (hits, shares) = (0, 0.0)
        for draw in 0..<40 {
            let found = NearestNeighbors.memorization(
                evaluated: normal([300, 3], seed: UInt64(300 + draw)),
                reference: normal([300, 3], seed: UInt64(400 + draw))
            ).copied
            let interval = try #require(found.interval)
            hits += interval.contains(0.01) ? 1 : 0
            shares += found.value / 40
        }
        #expect(hits >= 35, "\(hits) of 40")
        #expect(shares > 0.006 && shares < 0.015, "\(shares)")
    }

    // MARK: Path length

    @Test func pointsEqualTorchFidelity() throws {
        let golden = try MetricGoldens()
        let (a, b) = (try golden["latentsA"], try golden["latentsB"])
        let t = Tensor.full([40, 1], 0.3, dtype: .float64)
        for (path, name) in [(PathLength.Path.spherical, "spherical"), (.linear, "linear")] {
            let error = (PathLength.point(a, b, t, path) - (try golden[name])).abs().max().item()
            #expect(error < 1e-9, "\(name) is off by \(error)")
        }
        let kept = PathLength.filtered(try golden["lengths"].doubles(), 0.01...0.99)
        #expect(kept.count == 135)
        #expect(isClose(kept.reduce(0, +) / 135, golden.answers.keptLength, 1e-12))
    }

    /// For a generator that doubles its input, the length is four times the squared distance of the latents.
    @Test func lengthsOfKnownPaths() throws {
        let (a, b) = (normal([50, 7], seed: 5), normal([50, 7], seed: 6))
        func square(_ x: Tensor, _ y: Tensor) -> Tensor { (x - y).to(.float64).square().sum([1]) }
        let straight = PathLength.estimate(
            from: a, to: b, along: .linear, keeping: nil, generator: { $0 * 2 }, distance: square)
        let expected = 4 * square(a, b).mean().item()
        #expect(isClose(straight.value, expected, 0.005), "\(straight) against \(expected)")
        #expect(straight.interval?.contains(straight.value) == true)
        #expect(straight.notes.contains { $0.contains("float32") })

        // On the unit sphere the length is the squared angle at every position.
        func unit(_ x: Tensor) -> Tensor { x.to(.float64) / x.to(.float64).norm([1], keep: true) }
        let (u, v) = (unit(a), unit(b))
        let angles = (u * v).sum([1]).acos().square()
        for positions in [nil, Tensor.uniform([50], random: RandomSource(seed: 7))] {
            let round = PathLength.estimate(
                from: u, to: v, positions: positions, keeping: nil, batchSize: 7, generator: { $0 },
                distance: square)
            #expect(isClose(round.value, angles.mean().item(), 1e-6), "\(round)")
            #expect(round.notes.contains { $0.contains("float64") })
        }
        let kept = PathLength.estimate(from: u, to: v, generator: { $0 }, distance: square)
        #expect(kept.value != angles.mean().item() && kept.notes.count == 2)
    }

    // MARK: Attributes

    @Test func scoresEqualScikitLearn() throws {
        let golden = try MetricGoldens()
        let (logits, labels) = (try golden["scores"], try golden["labels"])
        let found = BinaryScores(logits: logits, labels: labels)
        #expect(areNear(found.attributes.map(\.accuracy.value), golden.answers.accuracy, 1e-12))
        #expect(
            areNear(found.attributes.map(\.balancedAccuracy.value), golden.answers.balancedAccuracy, 1e-12))
        #expect(found.attributes.map(\.positives) == labels.to(.int64).sum([0]).integers())
        #expect(found.attributes[4].positives == 0 && !found.attributes[4].balancedAccuracy.notes.isEmpty)
        #expect(isClose(found.meanAccuracy, golden.answers.accuracy.reduce(0, +) / 5, 1e-12))
        #expect(isClose(found.meanBalancedAccuracy, golden.answers.balancedAccuracy.reduce(0, +) / 5, 1e-12))
        let signs = BinaryScores(logits: logits, labels: labels.to(.float32) * 2 - 1)
        #expect(signs == found)
        for attribute in found.attributes {
            #expect(attribute.balancedAccuracy.interval?.contains(attribute.balancedAccuracy.value) == true)
        }
    }

    @Test func attributeFrequencies() throws {
        // First attribute: 1 of 10 and 3 of 4. Second attribute: 5 of 10 and 2 of 4.
        let evaluated = Tensor(
            [1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], shape: [2, 10])
        let reference = Tensor([1, 1, 1, -1, 1, 1, -1, -1], shape: [2, 4])
        let found = AttributeFrequencies(
            evaluated: evaluated.transposed(0, 1), reference: reference.transposed(0, 1))
        #expect(found.attributes.map(\.evaluated.value) == [0.1, 0.5])
        #expect(found.attributes.map(\.reference.value) == [0.75, 0.5])
        #expect(areNear(found.attributes.map(\.difference.value), [-0.65, 0], 1e-12))
        #expect(isClose(found.meanDifference, 0.325, 1e-12))
        // Wilson's interval of 1 in 10.
        let interval = try #require(found.attributes[0].evaluated.interval)
        #expect(areNear([interval.lowerBound, interval.upperBound], [0.01787621, 0.40415003], 1e-6))
        for attribute in found.attributes {
            let difference = try #require(attribute.difference.interval)
            #expect(difference.contains(attribute.difference.value) && difference.lowerBound >= -1)
        }
        #expect(found.attributes[1].difference.interval?.contains(0) == true)
    }

    /// Example of Newcombe (1998, table II, case a): 56 of 70 minus 48 of 80.
    @Test func differencesEqualNewcombe() throws {
        func logits(_ positive: Int, of count: Int) -> Tensor {
            Tensor((0..<count).map { $0 < positive ? Float(1) : -1 }, shape: [count, 1])
        }
        let found = AttributeFrequencies(evaluated: logits(56, of: 70), reference: logits(48, of: 80))
        let interval = try #require(found.attributes[0].difference.interval)
        #expect(areNear([interval.lowerBound, interval.upperBound], [0.0524, 0.3339], 5e-5))
    }

    @Test func ranksEqualSciPy() throws {
        let golden = try MetricGoldens()
        let found = Spearman.correlation(try golden["ranksA"].doubles(), try golden["ranksB"].doubles())
        #expect(isClose(found.value, golden.answers.spearman, 1e-12))
        #expect(found.interval?.contains(found.value) == true)
        #expect(Spearman.correlation([1, 2, 3, 4], [10, 20, 300, 4000]).value == 1)
        #expect(Spearman.correlation([1, 2, 3, 4], [4, 3, 2, 1]).value == -1)
        #expect(Spearman.correlation([1, 1, 1], [1, 2, 3]).value.isNaN)
    }
}
