import Foundation
import Models
import Objectives
import TestSupport
import Testing
import Torch
import TorchNN

/// WGAN-GP penalty against PyTorch and central differences.
@Suite struct GradientPenaltyTests {
    private func network(_ weights: [Tensor]) -> (Tensor) -> Tensor {
        { images in
            images.flattened(from: 1).linear(weight: weights[0], bias: nil).tanh()
                .linear(weight: weights[1], bias: nil).squeezed(1)
        }
    }

    /// Golden of make_wgan_gp.py.
    @Test(arguments: [
        ("both", GradientPenalty(weight: 10)), ("above", GradientPenalty(weight: 10, sides: .above)),
        ("zero", GradientPenalty(weight: 0.5, target: 0)),
        ("aboveTwo", GradientPenalty(weight: 3, target: 0.7, sides: .above)),
    ])
    func valueAndGradientsEqualPyTorch(name: String, penalty: GradientPenalty) throws {
        let read = try TensorFile.read(goldens("Objectives/penalty.safetensors")).tensors
        let golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        func given(_ key: String) throws -> Tensor {
            try #require(golden[key], "\(key) is missing in the golden")
        }
        let weights = try [given("first"), given("second")].map { $0.requiringGradient() }
        let value = try penalty(
            real: given("real"), fake: given("fake"), share: given("share"), critic: network(weights))
        let found = [value] + gradients(of: [value], wrt: weights).map { $0! }
        for (tensor, key) in zip(found, [name, name + ".first", name + ".second"]) {
            let expected = try given(key)
            try #require(tensor.shape == expected.shape)
            let difference = (tensor - expected).abs().max().item() / expected.abs().max().item()
            #expect(difference < 1e-5, "\(key) differs by \(difference)")
        }
    }

    /// In float64, with eight significant digits.
    @Test(arguments: GradientPenalty.Sides.allCases) func gradientsEqualDifferences(
        _ sides: GradientPenalty.Sides
    ) {
        let random = RandomSource(seed: 3)
        func draw(_ shape: [Int]) -> Tensor { Tensor.normal(shape, random: random).to(.float64) }
        let (real, fake) = (draw([4, 2, 3, 2]), draw([4, 2, 3, 2]))
        let share = Tensor.uniform([4, 1, 1, 1], random: random)
        let weights = [draw([5, 12]), draw([1, 5])].map { $0.requiringGradient() }
        // Some gradient norms are above the target and some below.
        let penalty = GradientPenalty(weight: 10, target: 2.5, sides: sides)
        Differences.expectFirst(wrt: weights, "gradient penalty, \(sides)") {
            penalty(real: real, fake: fake, share: share, critic: network(weights))
        }
    }

    /// A zero gradient: the norm has no derivative there, and the result must not be NaN.
    @Test func constantCriticHasFiniteGradients() {
        let weight = Tensor.zeros([1, 12]).requiringGradient()
        let ones = Tensor.ones([3, 3, 2, 2])
        let value = GradientPenalty(weight: 10)(
            real: ones, fake: -ones, share: Tensor.full([3, 1, 1, 1], 0.5)
        ) { $0.flattened(from: 1).linear(weight: weight, bias: nil).squeezed(1) }
        #expect(value.item() == 10)
        #expect(gradients(of: [value], wrt: [weight])[0]!.abs().max().item() == 0)
    }

    /// The critic is evaluated at mixtures of real and generated pictures.
    @Test func picturesAreMixed() {
        let random = RandomSource(seed: 1)
        let real = Tensor.uniform([2, 3, 4, 4], random: random)
        let fake = Tensor.uniform([2, 3, 4, 4], -1, 0, random: random).to(.bfloat16)
        let share = Tensor([Float(0), 1]).reshape([2, 1, 1, 1])
        _ = GradientPenalty(weight: 1)(real: real, fake: fake, share: share) { mixed in
            #expect(mixed.dtype == .float32 && mixed.requiresGradient)
            #expect(mixed[0].detached().floats() == fake[0].to(.float32).floats())
            #expect(mixed[1].detached().floats() == real[1].floats())
            return mixed.sum([1, 2, 3])
        }
    }

    /// Penalties of critics with opposite gradients do not cancel.
    @Test func eachCriticHasItsOwnPenalty() {
        let random = RandomSource(seed: 2)
        let direction = Tensor.normal([12], random: random).requiringGradient()
        let (real, fake) = (Tensor.normal([3, 3, 2, 2], random: random), Tensor.zeros([3, 3, 2, 2]))
        let share = Tensor.full([3, 1, 1, 1], 0.5)
        func one(_ sign: Double) -> (Tensor) -> Tensor {
            { images in (images.flattened(from: 1) * direction * sign).sum([1]) }
        }
        let penalty = GradientPenalty(weight: 10)
        let alone = penalty(real: real, fake: fake, share: share, critic: one(3))
        let other = penalty(real: real, fake: fake, share: share, critic: one(-1))
        let both = penalty(real: real, fake: fake, share: share) { images in
            Tensor.stacked([one(3)(images), one(-1)(images)], 1)
        }
        #expect(abs(both.item() - (alone.item() + other.item()) / 2) < 1e-4 * both.item())
        let opposed = ZeroCenteredPenalty.slope(at: real) { images in
            Tensor.stacked([one(1)(images), one(-1)(images)], 1)
        }
        #expect(opposed.item() > 1)
    }
}

/// R1, R2 and DRAGAN penalties against PyTorch and central differences, and their intervals.
@Suite struct ZeroCenteredPenaltyTests {
    private func network(_ weights: [Tensor]) -> (Tensor) -> Tensor {
        { images in
            images.flattened(from: 1).linear(weight: weights[0], bias: nil).tanh()
                .linear(weight: weights[1], bias: nil).squeezed(1)
        }
    }

    /// Golden of make_objectives.py.
    @Test func valuesAndGradientsEqualPyTorch() throws {
        let golden = try LossGolden()
        let (first, second) = (try golden.leaf("penalty.first"), try golden.leaf("penalty.second"))
        let (images, critic) = (try golden("penalty.images"), network([first, second]))
        let both = ZeroCenteredPenalty(r1Gamma: 10, r2Gamma: 10)
        for value in [both.r1(real: images, critic: critic), both.r2(fake: images, critic: critic)] {
            try golden.expect(value, "r1", wrt: ["first": first, "second": second])
        }
        let around = try DRAGANPenalty(weight: 10)(
            real: images, noise: golden("penalty.noise"), share: golden("penalty.share"), critic: critic)
        try golden.expect(around, "dragan", wrt: ["first": first, "second": second])
    }

    @Test func gradientsEqualDifferences() {
        let random = RandomSource(seed: 3)
        let images = Differences.draw([4, 2, 3, 2], random)
        let (noise, share) = (
            Tensor.uniform([4, 2, 3, 2], random: random), Tensor.uniform([4, 1, 1, 1], random: random)
        )
        let weights = [[5, 12], [1, 5]].map { Differences.draw($0, random).requiringGradient() }
        let penalty = ZeroCenteredPenalty(r1Gamma: 3, r2Gamma: 0.2)
        Differences.expectFirst(wrt: weights, "R1") { penalty.r1(real: images, critic: network(weights)) }
        Differences.expectFirst(wrt: weights, "R2") { penalty.r2(fake: images, critic: network(weights)) }
        Differences.expectFirst(wrt: weights, "DRAGAN") {
            DRAGANPenalty(weight: 10, target: 2.5)(
                real: images, noise: noise, share: share, critic: network(weights))
        }
    }

    /// The gradient of a linear critic is its weight. The penalty sums over pixels and averages over pictures.
    @Test func linearCriticHasItsSquaredWeights() {
        let weight = Tensor([Float(1), -2, 3, 0, 0.5, 2]).reshape([1, 6]).requiringGradient()
        let value = ZeroCenteredPenalty(r1Gamma: 4).r1(real: Tensor.ones([5, 6, 1, 1])) {
            $0.flattened(from: 1).linear(weight: weight, bias: nil).squeezed(1)
        }
        #expect(value.item() == 2 * 18.25)
        #expect(gradients(of: [value], wrt: [weight])[0]!.floats() == [4, -8, 12, 0, 2, 8])
    }

    /// A lazy penalty with interval k is due in every k-th step.
    @Test(arguments: [1, 4, 16]) func lazyPenaltiesAreDueAtTheirInterval(every: Int) {
        let lazy = Regularizer<Int>("test", interval: every) { _ in Tensor(0) }
        let due = (0..<(10 * every)).filter { lazy.isDue(after: $0) }
        #expect(due.first == 0 && due.count == 10)
        #expect(Set(zip(due, due.dropFirst()).map { $1 - $0 }) == [every])
        #expect(Double(lazy.interval) * Double(due.count) == 10 * Double(every))
    }

    /// Karras et al. 2020, appendix B: c = k / (k + 1) for one penalty of interval k. Interval 1 has no separate step.
    @Test func optimizersAreCorrectedForSeparateSteps() {
        func correction(_ every: Int...) -> Double {
            Regularizer<Int>.correction(every.map { Regularizer("test", interval: $0) { _ in Tensor(0) } })
        }
        #expect(correction() == 1 && correction(1) == 1 && correction(1, 1) == 1)
        #expect(abs(correction(16) - 16.0 / 17) < 1e-15)
        #expect(abs(correction(1, 4) - 0.8) < 1e-15)
        // Two separate steps per four steps: six steps count as four.
        #expect(abs(correction(4, 4) - 4.0 / 6) < 1e-15)
    }
}
