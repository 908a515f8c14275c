import Foundation
import Objectives
import Testing
import Torch

/// Losses against their formulas.
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

    /// The discriminator wins: non-saturating still pulls with full strength, saturating has given up.
    @Test func gradientsWhereTheDiscriminatorWins() {
        let logit = Tensor([Float(-20)]).requiringGradient()
        func pull(_ kind: AdversarialLoss.Kind) -> Double {
            gradients(of: [AdversarialLoss(kind).generator(logit)], wrt: [logit])[0]!.item()
        }
        #expect(abs(pull(.nonSaturating) + 1) < 1e-6)
        #expect(abs(pull(.saturating)) < 1e-8)
        #expect(pull(.saturating) < 0)
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

    /// Goldens by make_objectives.py.
    @Test(arguments: AdversarialLoss.Kind.allCases) func gamesArePyTorchs(_ kind: AdversarialLoss.Kind) throws
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

    @Test(arguments: AdversarialLoss.Kind.allCases) func gradientsAreDifferences(_ kind: AdversarialLoss.Kind)
    {
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

    /// Only differences matter, so that both may drift together; the other games see where the logits are.
    @Test func aRelativisticGameHasNoZero() {
        let (real, fake) = (Tensor(logits), Tensor([Float(1), 2, -1, 0.5, 3]))
        for kind in AdversarialLoss.Kind.allCases {
            let loss = AdversarialLoss(kind)
            let (here, there) = (
                loss.discriminator(real: real, fake: fake), loss.discriminator(real: real + 3, fake: fake + 3)
            )
            let isFree = kind == .relativistic || kind == .wasserstein
            #expect((abs(here.item() - there.item()) < 1e-5) == isFree, "\(kind)")
        }
    }

    @Test func halfPrecisionLogitsAreJudgedInFloat() {
        let loss = AdversarialLoss().real(Tensor(logits).to(.bfloat16))
        #expect(loss.dtype == .float32)
    }
}
