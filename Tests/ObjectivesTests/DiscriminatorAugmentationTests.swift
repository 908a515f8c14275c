import Objectives
import Settings
import Testing
import Torch

/// No augmentation, random values and types of the augmentation of the discriminator's pictures.
@Suite struct DiscriminatorAugmentationTests {
    private static func pictures(_ count: Int = 4, _ dtype: DType = .float32) -> Tensor {
        Tensor.uniform([count, 3, 16, 16], -1, 1, random: RandomSource(seed: 9)).to(dtype)
    }

    private static func ada(_ probability: Double) -> AugmentSettings {
        var settings = AugmentSettings(.ada)
        (settings.startProbability, settings.maxProbability) = (probability, 1)
        (settings.filter, settings.corruption) = (1, 1)
        return settings
    }

    private static func diffaugment(_ probability: Double) -> AugmentSettings {
        var settings = AugmentSettings(.diffaugment)
        settings.probability = Scheduled(probability)
        return settings
    }

    private static func scheduled(_ probability: Double) -> AugmentSettings {
        var settings = AugmentSettings(.scheduled)
        (settings.probability, settings.corruption, settings.noise) = (Scheduled(probability), 1, false)
        return settings
    }

    @Test func probabilityZeroChangesNothing() {
        for settings in [AugmentSettings(), Self.diffaugment(0), Self.ada(0), Self.scheduled(0)] {
            let images = Self.pictures()
            let augment = DiscriminatorAugmentation(settings, device: .cpu)
            #expect(augment.probability == 0)
            #expect(augment(images, random: RandomSource(seed: 1)).bytes() == images.bytes())
        }
    }

    /// Other draws from the same stream must not depend on the probability.
    @Test func drawsDoNotDependOnTheProbability() {
        for make in [Self.diffaugment, Self.ada, Self.scheduled] {
            let states = [0, 0.3, 1].map { probability in
                let random = RandomSource(seed: 4)
                _ = DiscriminatorAugmentation(make(probability), device: .cpu)(
                    Self.pictures(), random: random)
                return random.state
            }
            #expect(states[0] == states[1] && states[1] == states[2])
            #expect(states[0] != RandomSource(seed: 4).state)
        }
    }

    @Test func eachCallDrawsOtherValues() {
        for settings in [Self.diffaugment(1), Self.ada(0.9), Self.scheduled(0.9)] {
            let augment = DiscriminatorAugmentation(settings, device: .cpu)
            let random = RandomSource(seed: 6)
            let (first, second) = (
                augment(Self.pictures(), random: random), augment(Self.pictures(), random: random)
            )
            #expect(first.floats() != second.floats())
            #expect(first.floats() == augment(Self.pictures(), random: RandomSource(seed: 6)).floats())
        }
    }

    @Test(arguments: [DType.bfloat16, .float32, .float64])
    func typesAreKept(_ dtype: DType) {
        for settings in [Self.diffaugment(1), Self.ada(0.9), Self.scheduled(0.9)] {
            func augmented(_ images: Tensor) -> Tensor {
                DiscriminatorAugmentation(settings, device: .cpu)(images, random: RandomSource(seed: 3))
            }
            let images = Self.pictures(4, dtype)
            let found = augmented(images)
            #expect(found.dtype == dtype && found.shape == images.shape)
            if dtype == .bfloat16 {
                // Computed in single precision, then rounded once.
                #expect(found.floats() == augmented(images.to(.float32)).to(.bfloat16).floats())
            } else {
                let difference = (found.to(.float64) - augmented(images.to(.float64))).abs().max().item()
                #expect(difference < 1e-5)
            }
            let inside = withAutocast(.bfloat16, on: .cpu) { augmented(images) }
            #expect(inside.floats() == found.floats())
        }
    }

    @Test func resultsDoNotDependOnTheRestOfTheBatch() {
        let augment = DiscriminatorAugmentation(Self.diffaugment(1), device: .cpu)
        let images = Self.pictures()
        let other = Tensor.concatenated([images[0..<1], images[1..<4] * 0.5])
        let (a, b) = (
            augment(images, random: RandomSource(seed: 8)), augment(other, random: RandomSource(seed: 8))
        )
        #expect(a[0].floats() == b[0].floats() && a[1].floats() != b[1].floats())
    }

    /// A current probability replaces that at the start, as a number and as a tensor.
    @Test func currentProbabilitiesAreUsed() {
        for make in [Self.diffaugment, Self.scheduled] {
            func augmented(_ settings: AugmentSettings, _ probability: Factor?) -> [Float] {
                DiscriminatorAugmentation(settings, device: .cpu)(
                    Self.pictures(8), probability: probability, random: RandomSource(seed: 5)
                ).floats()
            }
            let expected = augmented(make(0.5), nil)
            #expect(augmented(make(0), .number(0.5)) == expected)
            #expect(augmented(make(0), .tensor(Tensor(0.5))) == expected)
            #expect(augmented(make(0.5), .number(0)) == Self.pictures(8).floats())
            #expect(expected != Self.pictures(8).floats())
        }
    }

    /// A scheduled probability makes the changes of ADA at that probability.
    @Test func scheduledChangesAreThoseOfADA() {
        var ada = Self.ada(0.7)
        (ada.filter, ada.noise) = (0, false)
        let (first, second) = (RandomSource(seed: 5), RandomSource(seed: 5))
        let a = DiscriminatorAugmentation(ada, device: .cpu)(Self.pictures(), random: first)
        let b = DiscriminatorAugmentation(Self.scheduled(0.7), device: .cpu)(Self.pictures(), random: second)
        #expect(a.floats() == b.floats() && first.state == second.state)
    }

    @Test func wrongShapesTrap() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = DiscriminatorAugmentation(AugmentSettings(), device: .cpu)(
                Tensor.zeros([2, 1, 8, 8]), random: RandomSource(seed: 0))
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(message.contains("expected pictures [N, 3, H, W]") && message.contains("Float[2, 1, 8, 8]"))
    }

    /// Running out of memory, in the augmentation or before it, ends the scope and does not trap.
    @Test(arguments: [false, true]) func outOfMemoryDoesNotTrap(isLostBefore: Bool) {
        for settings in [Self.diffaugment(1), Self.ada(0.9), Self.scheduled(0.9)] {
            let images = Self.pictures()
            let random = RandomSource(seed: 3)
            let state = random.state
            let error = #expect(throws: TorchError.self) {
                try recoveringFromOutOfMemory {
                    let lost = Tensor.zeros([1 << 50])
                    let augment = DiscriminatorAugmentation(settings, device: .cpu)
                    _ = augment(isLostBefore ? lost : images, random: random)
                    augment.observe(realLogits: lost)
                    // Each operation accepts a tensor without memory.
                    let given = Tensor.zeros([2, 4])
                    for numbers in [lost, given] {
                        _ = Warp(isOversampled: true, padding: .reflection)(lost, numbers)
                        _ = ColorTransform()(lost, linear: numbers, offset: numbers)
                        _ = FrequencyBands()(lost, gains: numbers)
                        _ = Cutout()(lost, numbers)
                    }
                }
            }
            #expect("\(error as Any)".contains("out of memory") && random.state == state)
        }
    }

    /// Each kind accepts only its own keys.
    @Test func settingsAreRead() throws {
        let text = "kind: ada\ntarget: 0.5\nspeedKimg: 100\nfilter: 0.25\n"
        let settings = try SettingsDocument.decode(AugmentSettings.self, yaml: text, path: "augment.yaml")
        #expect(settings.kind == .ada && settings.target == 0.5 && settings.filter == 0.25)
        #expect(settings.speedKimg == 100 && settings.blit == 1)
        let schedule = try SettingsDocument.decode(
            AugmentSettings.self,
            yaml: "kind: scheduled\nprobability: {to: 0.3, endKimg: 9}\ncorruption: 1\n",
            path: "augment.yaml")
        #expect(schedule.probability == Scheduled(.linear, from: 1, to: 0.3, endKimg: 9) && schedule.noise)
        #expect(throws: SettingsError.self) {
            try SettingsDocument.decode(
                AugmentSettings.self, yaml: "kind: none\ntarget: 0.5\n", path: "augment.yaml")
        }
        #expect(throws: SettingsError.self) {
            try SettingsDocument.decode(
                AugmentSettings.self, yaml: "kind: ada\nstartProbability: 0.9\n", path: "augment.yaml")
        }
    }
}

/// Controller of the ADA probability.
@Suite struct AdaptiveProbabilityTests {
    private static func augmentation(_ change: (inout AugmentSettings) -> Void = { _ in })
        -> DiscriminatorAugmentation
    {
        var settings = AugmentSettings(.ada)
        settings.speedKimg = 1
        change(&settings)
        return DiscriminatorAugmentation(settings, device: .cpu)
    }

    private static var confident: Tensor { Tensor([Float(3), 0.5, 2, 7, 1, 1, 1, 1, 2, 2]) }
    private static var wrong: Tensor { -confident }

    /// 4 steps of 10 pictures with a speed of 1000 pictures for the whole range.
    @Test func probabilityMovesWithTheGivenSpeed() {
        let augment = Self.augmentation()
        for step in 1...8 {
            augment.observe(realLogits: Self.confident)
            #expect(abs(augment.probability - Double(step / 4) * 0.04) < 1e-15)
        }
        for _ in 1...4 { augment.observe(realLogits: Self.wrong) }
        #expect(abs(augment.probability - 0.04) < 1e-15)
    }

    @Test func probabilityStaysWithinItsBounds() {
        let augment = Self.augmentation { $0.maxProbability = 0.1 }
        for _ in 0..<40 { augment.observe(realLogits: Self.confident) }
        #expect(augment.probability == 0.1)
        // It decreases immediately: the controller has no windup.
        for _ in 0..<4 { augment.observe(realLogits: Self.wrong) }
        #expect(abs(augment.probability - 0.06) < 1e-15)
        for _ in 0..<40 { augment.observe(realLogits: Self.wrong) }
        #expect(augment.probability == 0)
    }

    /// The controller compares the mean sign over all steps since the last adjustment with the target.
    @Test func meanSignIsComparedWithTheTarget() {
        // 8 of 10 are positive: a mean sign of 0.6.
        let mixed = Tensor([Float(1), 2, 3, 4, 5, 6, 7, 8, -100, -100])
        for (target, expected) in [(0.5, 0.54), (0.7, 0.46)] {
            let augment = Self.augmentation { ($0.target, $0.startProbability) = (target, 0.5) }
            for _ in 0..<4 { augment.observe(realLogits: mixed.to(.bfloat16)) }
            #expect(abs(augment.probability - expected) < 1e-15)
        }
        let augment = Self.augmentation { ($0.target, $0.startProbability, $0.everySteps) = (0, 0.5, 2) }
        for logits in [Self.confident, Self.wrong] { augment.observe(realLogits: logits) }
        #expect(augment.probability == 0.5)
    }

    /// The probability stays, and the next adjustment starts from zero.
    @Test func undefinedLogitsMoveNothing() {
        let augment = Self.augmentation { ($0.startProbability, $0.everySteps) = (0.5, 2) }
        let undefined = Tensor([Float.nan, .nan])
        for logits in [Self.confident, undefined] { augment.observe(realLogits: logits) }
        let before = augment.probability
        #expect(before >= 0.5 && before < 0.52)
        for _ in 0..<2 { augment.observe(realLogits: Self.wrong) }
        #expect(abs(augment.probability - (before - 0.02)) < 1e-15)
    }

    /// Copies the state in place, between two adjustments.
    @Test func savedStateResumesExactly() {
        let first = Self.augmentation()
        for _ in 0..<6 { first.observe(realLogits: Self.confident) }
        let saved = first.state.map { (key: $0.key, tensor: $0.tensor.cloned()) }
        #expect(saved.map(\.key) == ["probability", "images", "steps", "signs"])
        #expect(saved.allSatisfy { $0.tensor.shape == [] && $0.tensor.dtype == .float64 })

        let second = Self.augmentation()
        for (own, given) in zip(second.state, saved) {
            #expect(own.key == given.key && own.tensor.shape == given.tensor.shape)
            own.tensor.copy_(given.tensor)
        }
        #expect(second.probability == first.probability && second.probability > 0)
        for logits in [Self.wrong, Self.confident, Self.wrong, Self.wrong, Self.confident, Self.wrong] {
            for augment in [first, second] { augment.observe(realLogits: logits) }
            #expect(second.probability == first.probability)
        }
        let images = Tensor.uniform([2, 3, 8, 8], random: RandomSource(seed: 1))
        #expect(
            first(images, random: RandomSource(seed: 2)).floats()
                == second(images, random: RandomSource(seed: 2)).floats())
    }

    @Test func otherKindsHaveNoState() {
        for kind in [AugmentSettings.Kind.none, .diffaugment, .scheduled] {
            let augment = DiscriminatorAugmentation(AugmentSettings(kind), device: .cpu)
            let before = augment.probability
            for _ in 0..<8 { augment.observe(realLogits: Self.confident) }
            #expect(augment.state.isEmpty && augment.probability == before)
        }
    }
}
