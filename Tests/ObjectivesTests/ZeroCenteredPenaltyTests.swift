import Foundation
import Objectives
import Testing
import Torch

/// R1, R2 and DRAGAN against PyTorch and against differences, and how often they are taken.
@Suite struct ZeroCenteredPenaltyTests {
    private func small(_ weights: [Tensor]) -> (Tensor) -> Tensor {
        { images in
            images.flattened(from: 1).linear(weight: weights[0], bias: nil).tanh()
                .linear(weight: weights[1], bias: nil).squeezed(1)
        }
    }

    /// Goldens by make_objectives.py.
    @Test func valuesAndGradientsArePyTorchs() throws {
        let golden = try LossGolden()
        let (first, second) = (try golden.leaf("penalty.first"), try golden.leaf("penalty.second"))
        let (images, critic) = (try golden("penalty.images"), small([first, second]))
        let both = ZeroCenteredPenalty(r1Gamma: 10, r2Gamma: 10)
        for value in [both.r1(real: images, critic: critic), both.r2(fake: images, critic: critic)] {
            try golden.expect(value, "r1", wrt: ["first": first, "second": second])
        }
        let around = try DRAGANPenalty(weight: 10)(
            real: images, noise: golden("penalty.noise"), share: golden("penalty.share"), critic: critic)
        try golden.expect(around, "dragan", wrt: ["first": first, "second": second])
    }

    @Test func gradientsAreDifferences() {
        let random = RandomSource(seed: 3)
        let images = Differences.draw([4, 2, 3, 2], random)
        let (noise, share) = (
            Tensor.uniform([4, 2, 3, 2], random: random), Tensor.uniform([4, 1, 1, 1], random: random)
        )
        let weights = [[5, 12], [1, 5]].map { Differences.draw($0, random).requiringGradient() }
        let penalty = ZeroCenteredPenalty(r1Gamma: 3, r2Gamma: 0.2)
        Differences.expectFirst(wrt: weights, "R1") { penalty.r1(real: images, critic: small(weights)) }
        Differences.expectFirst(wrt: weights, "R2") { penalty.r2(fake: images, critic: small(weights)) }
        Differences.expectFirst(wrt: weights, "DRAGAN") {
            DRAGANPenalty(weight: 10, target: 2.5)(
                real: images, noise: noise, share: share, critic: small(weights))
        }
    }

    /// Of a linear critic the slope is its weights, whatever the pictures; sums over pixels, means over pictures.
    @Test func aLinearCriticPaysItsSquares() {
        let weight = Tensor([Float(1), -2, 3, 0, 0.5, 2]).reshape([1, 6]).requiringGradient()
        let value = ZeroCenteredPenalty(r1Gamma: 4).r1(real: Tensor.ones([5, 6, 1, 1])) {
            $0.flattened(from: 1).linear(weight: weight, bias: nil).squeezed(1)
        }
        #expect(value.item() == 2 * 18.25)
        #expect(gradients(of: [value], wrt: [weight])[0]!.floats() == [4, -8, 12, 0, 2, 8])
    }

    /// A penalty of every k-th step counts k times, so that its mean over all steps stays.
    @Test(arguments: [1, 4, 16]) func lazinessChangesNothingOnAverage(every: Int) {
        let lazy = Regularizer<Int>("test", interval: every) { _ in Tensor(0) }
        let due = (0..<(10 * every)).filter { lazy.isDue(after: $0) }
        #expect(due.first == 0 && due.count == 10)
        #expect(Set(zip(due, due.dropFirst()).map { $1 - $0 }) == [every])
        #expect(Double(lazy.interval) * Double(due.count) == 10 * Double(every))
    }

    /// Karras et al. 2020, appendix B: with a penalty in every k-th step, c = k / (k + 1); one of every step takes no own.
    @Test func stepsOfPenaltiesAreCorrectedFor() {
        func correction(_ every: Int...) -> Double {
            Regularizer<Int>.correction(every.map { Regularizer("test", interval: $0) { _ in Tensor(0) } })
        }
        #expect(correction() == 1 && correction(1) == 1 && correction(1, 1) == 1)
        #expect(abs(correction(16) - 16.0 / 17) < 1e-15)
        #expect(abs(correction(1, 4) - 0.8) < 1e-15)
        // Two own steps in four of the game: four stand for six.
        #expect(abs(correction(4, 4) - 4.0 / 6) < 1e-15)
    }
}
