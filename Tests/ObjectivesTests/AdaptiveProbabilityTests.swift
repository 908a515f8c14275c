import Objectives
import Testing
import Torch

/// ADA's controller.
@Suite struct AdaptiveProbabilityTests {
    private static func view(_ change: (inout AugmentSettings) -> Void = { _ in })
        -> DiscriminatorAugmentation
    {
        var settings = AugmentSettings(.ada)
        settings.speedKimg = 1
        change(&settings)
        return DiscriminatorAugmentation(settings, device: .cpu)
    }

    private static var sure: Tensor { Tensor([Float(3), 0.5, 2, 7, 1, 1, 1, 1, 2, 2]) }
    private static var lost: Tensor { -sure }

    /// 4 steps of 10 pictures, a thousand pictures for the whole way.
    @Test func theSpeedIsAsAsked() {
        let view = Self.view()
        for step in 1...8 {
            view.observe(realLogits: Self.sure)
            #expect(abs(view.probability - Double(step / 4) * 0.04) < 1e-15)
        }
        for _ in 1...4 { view.observe(realLogits: Self.lost) }
        #expect(abs(view.probability - 0.04) < 1e-15)
    }

    @Test func theBoundsHold() {
        let view = Self.view { $0.maxProbability = 0.1 }
        for _ in 0..<40 { view.observe(realLogits: Self.sure) }
        #expect(view.probability == 0.1)
        // It comes back at once: nothing has been wound up.
        for _ in 0..<4 { view.observe(realLogits: Self.lost) }
        #expect(abs(view.probability - 0.06) < 1e-15)
        for _ in 0..<40 { view.observe(realLogits: Self.lost) }
        #expect(view.probability == 0)
    }

    /// The mean over all steps since the last adjustment counts, and stays where it is asked to be.
    @Test func theMeanSignIsCompared() {
        // 8 of 10 are positive: a mean sign of 0.6.
        let mixed = Tensor([Float(1), 2, 3, 4, 5, 6, 7, 8, -100, -100])
        for (target, expected) in [(0.5, 0.54), (0.7, 0.46)] {
            let view = Self.view { ($0.target, $0.startProbability) = (target, 0.5) }
            for _ in 0..<4 { view.observe(realLogits: mixed.to(.bfloat16)) }
            #expect(abs(view.probability - expected) < 1e-15)
        }
        let view = Self.view { ($0.target, $0.startProbability, $0.everySteps) = (0, 0.5, 2) }
        for logits in [Self.sure, Self.lost] { view.observe(realLogits: logits) }
        #expect(view.probability == 0.5)
    }

    /// Values copied into the tensors in place, in the middle between two adjustments.
    @Test func aStateGoesOnExactly() {
        let first = Self.view()
        for _ in 0..<6 { first.observe(realLogits: Self.sure) }
        let saved = first.state.map { (key: $0.key, tensor: $0.tensor.cloned()) }
        #expect(Set(saved.map(\.key)).count == saved.count && !saved.isEmpty)

        let second = Self.view()
        for (own, given) in zip(second.state, saved) {
            #expect(own.key == given.key && own.tensor.shape == given.tensor.shape)
            own.tensor.copy_(given.tensor)
        }
        #expect(second.probability == first.probability && second.probability > 0)
        for logits in [Self.lost, Self.sure, Self.lost, Self.lost, Self.sure, Self.lost] {
            for view in [first, second] { view.observe(realLogits: logits) }
            #expect(second.probability == first.probability)
        }
        let images = Tensor.uniform([2, 3, 8, 8], random: RandomSource(seed: 1))
        #expect(
            first(images, random: RandomSource(seed: 2)).floats()
                == second(images, random: RandomSource(seed: 2)).floats())
    }

    @Test func otherKindsHaveNone() {
        for kind in [AugmentSettings.Kind.none, .diffaugment] {
            let view = DiscriminatorAugmentation(AugmentSettings(kind), device: .cpu)
            let before = view.probability
            for _ in 0..<8 { view.observe(realLogits: Self.sure) }
            #expect(view.state.isEmpty && view.probability == before)
        }
    }
}
