import Objectives
import Testing
import Torch

/// Losses over feature maps against PyTorch and central differences.
@Suite struct MapLossTests {
    private typealias Loss = ([Tensor], [Tensor]) -> Tensor

    private static var losses: [(name: String, loss: Loss)] {
        FeatureMatching.Kind.allCases.map { kind in
            (kind.rawValue, { FeatureMatching(kind, weight: 0.7)(fake: $0, real: $1) })
        }
            + PerceptualLoss.Kind.allCases.map { kind in
                (kind.rawValue, { PerceptualLoss(kind, weight: 0.7)(fake: $0, real: $1) })
            }
    }

    /// Golden of make_objectives.py.
    @Test func valuesAndGradientsEqualPyTorch() throws {
        let golden = try LossGolden()
        let fake = try (0..<3).map { try golden.leaf("maps.fake.\($0)") }
        let real = try (0..<3).map { try golden("maps.real.\($0)") }
        #expect(Self.losses.count == 7)
        for (name, loss) in Self.losses {
            try golden.expect(loss(fake, real), name, wrt: ["0": fake[0], "1": fake[1], "2": fake[2]])
        }
    }

    @Test func gradientsEqualDifferences() {
        let random = RandomSource(seed: 9)
        let shapes = [[4, 3, 2, 2], [4, 5]]
        let fake = shapes.map { Differences.draw($0, random).requiringGradient() }
        let real = shapes.map { Differences.draw($0, random) }
        for (name, loss) in Self.losses {
            Differences.expectFirst(wrt: fake, name) { loss(fake, real) }
            Differences.expectSecond(wrt: fake, name) { loss(fake, real) }
        }
    }

    @Test func realMapsAreDetached() {
        let (fake, real) = (
            Tensor.ones([2, 3]).requiringGradient(), Tensor.zeros([2, 3]).requiringGradient()
        )
        for (name, loss) in Self.losses {
            #expect(gradients(of: [loss([fake], [real])], wrt: [fake, real])[1] == nil, "\(name)")
        }
    }

    /// Batch statistics do not depend on the order or the size of the batches.
    @Test func statisticsNeedNoPairs() {
        let random = RandomSource(seed: 2)
        let (fake, real) = (
            Tensor.normal([6, 4, 3, 3], random: random), Tensor.normal([6, 4, 3, 3], random: random)
        )
        let loss = PerceptualLoss(.statistics)
        let reversed = real.flipped([0])
        #expect(
            abs(loss(fake: [fake], real: [real]).item() - loss(fake: [fake], real: [reversed]).item()) < 1e-6)
        #expect(loss(fake: [fake], real: [Tensor.concatenated([fake, fake])]).item() < 1e-10)
        #expect(!loss.isPaired && !PerceptualLoss(.randomPairs).isPaired && PerceptualLoss(.squared).isPaired)
    }

    /// With random pairs, a generator with the true distribution has a loss of twice the variance, and a generator that
    /// always returns the mean has half of that. Batch statistics prefer the true distribution.
    @Test func randomPairsRewardCollapse() {
        let random = RandomSource(seed: 4)
        let (real, correct) = (
            Tensor.normal([2000, 3], random: random), Tensor.normal([2000, 3], random: random)
        )
        let collapsed = Tensor.zeros([2000, 3])
        func value(_ kind: PerceptualLoss.Kind, _ fake: Tensor) -> Double {
            PerceptualLoss(kind)(fake: [fake], real: [real]).item()
        }
        #expect(abs(value(.randomPairs, correct) - 2) < 0.1)
        #expect(abs(value(.randomPairs, collapsed) - 1) < 0.1)
        #expect(value(.statistics, correct) < 0.01)
        #expect(value(.statistics, collapsed) > 0.9)
    }
}
