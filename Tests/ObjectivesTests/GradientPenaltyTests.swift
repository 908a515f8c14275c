import Models
import Objectives
import TestSupport
import Testing
import Torch
import TorchNN

/// The penalty on a critic's slope against PyTorch and against differences.
@Suite struct GradientPenaltyTests {
    private func small(_ weights: [Tensor]) -> (Tensor) -> Tensor {
        { images in
            images.flattened(from: 1).linear(weight: weights[0], bias: nil).tanh()
                .linear(weight: weights[1], bias: nil).squeezed(1)
        }
    }

    /// Goldens by make_wgan_gp.py.
    @Test(arguments: [
        ("both", GradientPenalty(weight: 10)), ("above", GradientPenalty(weight: 10, sides: .above)),
        ("zero", GradientPenalty(weight: 0.5, target: 0)),
        ("aboveTwo", GradientPenalty(weight: 3, target: 0.7, sides: .above)),
    ])
    func valueAndGradientsArePyTorchs(name: String, penalty: GradientPenalty) throws {
        let read = try TensorFile.read(goldens("Objectives/penalty.safetensors")).tensors
        let golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        func given(_ key: String) throws -> Tensor { try #require(golden[key], "the golden has no \(key)") }
        let weights = try [given("first"), given("second")].map { $0.requiringGradient() }
        let value = try penalty(
            real: given("real"), fake: given("fake"), share: given("share"), critic: small(weights))
        let found = [value] + gradients(of: [value], wrt: weights).map { $0! }
        for (tensor, key) in zip(found, [name, name + ".first", name + ".second"]) {
            let expected = try given(key)
            try #require(tensor.shape == expected.shape)
            let difference = (tensor - expected).abs().max().item() / expected.abs().max().item()
            #expect(difference < 1e-5, "\(key) differs by \(difference)")
        }
    }

    /// In float64, where differences have eight digits left.
    @Test(arguments: GradientPenalty.Sides.allCases) func gradientsAreDifferences(
        _ sides: GradientPenalty.Sides
    ) {
        let random = RandomSource(seed: 3)
        func draw(_ shape: [Int]) -> Tensor { Tensor.normal(shape, random: random).to(.float64) }
        let (real, fake) = (draw([4, 2, 3, 2]), draw([4, 2, 3, 2]))
        let share = Tensor.uniform([4, 1, 1, 1], random: random)
        let weights = [draw([5, 12]), draw([1, 5])].map { $0.requiringGradient() }
        // Some slopes lie above the target and some below.
        let penalty = GradientPenalty(weight: 10, target: 2.5, sides: sides)
        Differences.expectFirst(wrt: weights, "gradient penalty, \(sides)") {
            penalty(real: real, fake: fake, share: share, critic: small(weights))
        }
    }

    /// A slope without direction: the norm has no derivative at zero, and none may become NaN.
    @Test func aFlatCriticIsNoAccident() {
        let weight = Tensor.zeros([1, 12]).requiringGradient()
        let ones = Tensor.ones([3, 3, 2, 2])
        let value = GradientPenalty(weight: 10)(
            real: ones, fake: -ones, share: Tensor.full([3, 1, 1, 1], 0.5)
        ) { $0.flattened(from: 1).linear(weight: weight, bias: nil).squeezed(1) }
        #expect(value.item() == 10)
        #expect(gradients(of: [value], wrt: [weight])[0]!.abs().max().item() == 0)
    }

    /// The slope is asked for between the two, nearer to the real ones by the share.
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

    /// Critics whose slopes cancel in their mean pay for them all the same.
    @Test func eachCriticHasASlopeOfItsOwn() {
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
