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
            for value in [loss.real(x), loss.fake(x), loss.generator(x)] {
                #expect(value.item().isFinite)
            }
        }
    }

    @Test func halfPrecisionLogitsAreJudgedInFloat() {
        let loss = AdversarialLoss().real(Tensor(logits).to(.bfloat16))
        #expect(loss.dtype == .float32)
    }
}
