import Objectives
import Testing
import Torch

/// Cross entropy of attributes against PyTorch and against differences.
@Suite struct AttributeLossTests {
    /// Goldens by make_objectives.py.
    @Test func attributesArePyTorchs() throws {
        let golden = try LossGolden()
        let logits = try golden.leaf("attributes.given")
        let value = try AttributeLoss.crossEntropy(logits, attributes: golden("attributes.signs"))
        try golden.expect(value, "attributes", wrt: ["logits": logits])
        let loss = AttributeLoss(realWeight: 2, fakeWeight: 0.5)
        let signs = try golden("attributes.signs")
        #expect(loss.real(logits, attributes: signs).item() == 2 * value.item())
        #expect(loss.fake(logits, attributes: signs).item() == 0.5 * value.item())
    }

    @Test func attributeGradientsAreDifferences() {
        let logits = Differences.draw([3, 4], RandomSource(seed: 1)).requiringGradient()
        let signs = Tensor([1, -1, 0, 0, -1, 1, 1, 0, 0, 0, 0, 0], shape: [3, 4])
        Differences.expectFirst(wrt: [logits], "attributes") {
            AttributeLoss.crossEntropy(logits, attributes: signs)
        }
        Differences.expectSecond(wrt: [logits], "attributes") {
            AttributeLoss.crossEntropy(logits, attributes: signs)
        }
        // Nobody learns from what is unknown.
        let value = AttributeLoss.crossEntropy(logits, attributes: signs)
        let slopes = gradients(of: [value], wrt: [logits])[0]!.doubles()
        #expect(zip(slopes, signs.integers()).allSatisfy { ($0 == 0) == ($1 == 0) })
    }

    @Test func nothingKnownIsNoLoss() {
        let logits = Tensor.ones([2, 3]).requiringGradient()
        let value = AttributeLoss.crossEntropy(logits, attributes: Tensor.zeros([2, 3]))
        #expect(value.item() == 0)
        #expect(gradients(of: [value], wrt: [logits])[0]!.abs().max().item() == 0)
    }
}
