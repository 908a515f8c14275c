import Foundation
import Objectives
import Testing
import Torch

/// Adversarial losses against their formulas, PyTorch and central differences.
@Suite struct AdversarialLossTests {
    private let logits: [Float] = [-3, -0.5, 0, 0.25, 4]

    private func mean(_ value: (Double) -> Double) -> Double {
        logits.map { value(Double($0)) }.reduce(0, +) / Double(logits.count)
    }
    private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    @Test func formulas() {
        let x = Tensor(logits)
        let expected: [(Tensor, Double)] = [
            (AdversarialLoss().real(x), mean { -log(sigmoid($0)) }),
            (AdversarialLoss().fake(x), mean { -log(1 - sigmoid($0)) }),
            (AdversarialLoss(.nonSaturating).generator(x), mean { -log(sigmoid($0)) }),
            (AdversarialLoss(.saturating).generator(x), mean { log(1 - sigmoid($0)) }),
            (AdversarialLoss(.wasserstein).real(x), -mean { $0 }),
            (AdversarialLoss(.wasserstein).fake(x), mean { $0 }),
            (AdversarialLoss(.wasserstein).generator(x), -mean { $0 }),
            (AdversarialLoss(.wasserstein).score(x), mean { $0 }),
            (AdversarialLoss(.saturating).score(x), mean(sigmoid)),
            (
                AdversarialLoss(.nonSaturating, realLabel: 0.9).real(x),
                mean { -0.9 * log(sigmoid($0)) - 0.1 * log(1 - sigmoid($0)) }
            ),
        ]
        for (loss, value) in expected {
            #expect(loss.shape == [])
            #expect(abs(loss.item() - value) < 1e-6)
        }
    }

    /// While the discriminator wins, the gradient of the non-saturating loss is 1 and that of the saturating loss vanishes.
    @Test func gradientsWhereTheDiscriminatorWins() {
        let logit = Tensor([Float(-20)]).requiringGradient()
        func gradient(_ kind: AdversarialLoss.Kind) -> Double {
            gradients(of: [AdversarialLoss(kind).generator(logit)], wrt: [logit])[0]!.item()
        }
        #expect(abs(gradient(.nonSaturating) + 1) < 1e-6)
        #expect(abs(gradient(.saturating)) < 1e-8)
        #expect(gradient(.saturating) < 0)
    }

    @Test func hugeLogitsStayFinite() {
        let x = Tensor([Float(-1e4), 1e4])
        for kind in AdversarialLoss.Kind.allCases {
            let loss = AdversarialLoss(kind)
            for value in [loss.discriminator(real: x, fake: -x), loss.generator(fake: x, real: -x)] {
                #expect(value.item().isFinite)
            }
        }
    }

    /// Golden of make_objectives.py.
    @Test(arguments: AdversarialLoss.Kind.allCases) func lossesEqualPyTorch(_ kind: AdversarialLoss.Kind)
        throws
    {
        let golden = try LossGolden()
        let (real, fake) = (try golden.leaf("game.real"), try golden.leaf("game.fake"))
        let loss = AdversarialLoss(kind)
        let name = kind.rawValue
        try golden.expect(
            loss.discriminator(real: real, fake: fake), name + ".discriminator",
            wrt: ["real": real, "fake": fake])
        try golden.expect(
            loss.generator(fake: fake, real: real), name + ".generator", wrt: ["real": real, "fake": fake])
        if kind == .leastSquares {
            try golden.expect(
                AdversarialLoss(kind, realLabel: 0.9).real(real), "smoothed", wrt: ["real": real])
        }
        #expect(loss.isRelativistic == (kind == .relativistic))
    }

    @Test(arguments: AdversarialLoss.Kind.allCases) func gradientsEqualDifferences(
        _ kind: AdversarialLoss.Kind
    ) {
        let random = RandomSource(seed: 5)
        let (real, fake) = (Differences.draw([6], random), Differences.draw([6], random))
        let (leaves, loss) = ([real, fake].map { $0.requiringGradient() }, AdversarialLoss(kind))
        for (side, value) in [
            ("discriminator", { loss.discriminator(real: real, fake: fake) }),
            ("generator", { loss.generator(fake: fake, real: real) }),
        ] {
            Differences.expectFirst(wrt: leaves, "\(kind) \(side)", of: value)
            Differences.expectSecond(wrt: leaves, "\(kind) \(side)", of: value)
        }
    }

    /// Relativistic and Wasserstein losses depend on differences of logits only. The others depend on their values.
    @Test func onlySomeLossesAreInvariantToShifts() {
        let (real, fake) = (Tensor(logits), Tensor([Float(1), 2, -1, 0.5, 3]))
        for kind in AdversarialLoss.Kind.allCases {
            let loss = AdversarialLoss(kind)
            let (original, shifted) = (
                loss.discriminator(real: real, fake: fake), loss.discriminator(real: real + 3, fake: fake + 3)
            )
            let isInvariant = kind == .relativistic || kind == .wasserstein
            #expect((abs(original.item() - shifted.item()) < 1e-5) == isInvariant, "\(kind)")
        }
    }

    @Test func halfPrecisionLogitsGiveSinglePrecisionLosses() {
        let loss = AdversarialLoss().real(Tensor(logits).to(.bfloat16))
        #expect(loss.dtype == .float32)
    }
}

/// Cross entropy of attributes against PyTorch and central differences.
@Suite struct AttributeLossTests {
    /// Golden of make_objectives.py.
    @Test func crossEntropyEqualsPyTorch() throws {
        let golden = try LossGolden()
        let logits = try golden.leaf("attributes.given")
        let value = try AttributeLoss.crossEntropy(logits, attributes: golden("attributes.signs"))
        try golden.expect(value, "attributes", wrt: ["logits": logits])
        let loss = AttributeLoss(realWeight: 2, fakeWeight: 0.5)
        let signs = try golden("attributes.signs")
        #expect(loss.real(logits, attributes: signs).item() == 2 * value.item())
        #expect(loss.fake(logits, attributes: signs).item() == 0.5 * value.item())
    }

    @Test func gradientsEqualDifferences() {
        let logits = Differences.draw([3, 4], RandomSource(seed: 1)).requiringGradient()
        let signs = Tensor([1, -1, 0, 0, -1, 1, 1, 0, 0, 0, 0, 0], shape: [3, 4])
        Differences.expectFirst(wrt: [logits], "attributes") {
            AttributeLoss.crossEntropy(logits, attributes: signs)
        }
        Differences.expectSecond(wrt: [logits], "attributes") {
            AttributeLoss.crossEntropy(logits, attributes: signs)
        }
        // Unknown attributes have no gradient.
        let value = AttributeLoss.crossEntropy(logits, attributes: signs)
        let derivatives = gradients(of: [value], wrt: [logits])[0]!.doubles()
        #expect(zip(derivatives, signs.integers()).allSatisfy { ($0 == 0) == ($1 == 0) })
    }

    @Test func unknownAttributesGiveNoLoss() {
        let logits = Tensor.ones([2, 3]).requiringGradient()
        let value = AttributeLoss.crossEntropy(logits, attributes: Tensor.zeros([2, 3]))
        #expect(value.item() == 0)
        #expect(gradients(of: [value], wrt: [logits])[0]!.abs().max().item() == 0)
    }
}
