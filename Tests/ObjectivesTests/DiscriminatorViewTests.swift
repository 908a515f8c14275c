import Objectives
import Settings
import Testing
import Torch

/// When the view does nothing, what it draws, and in which types.
@Suite struct DiscriminatorViewTests {
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
        settings.probability = probability
        return settings
    }

    @Test func nothingIsDoneAtZero() {
        for settings in [AugmentSettings(), Self.diffaugment(0), Self.ada(0)] {
            let images = Self.pictures()
            let view = DiscriminatorAugmentation(settings, device: .cpu)
            #expect(view.probability == 0)
            #expect(view(images, random: RandomSource(seed: 1)).bytes() == images.bytes())
        }
    }

    /// So that a run's other draws from the same stream do not depend on the probability.
    @Test func drawsDoNotDependOnTheProbability() {
        for make in [Self.diffaugment, Self.ada] {
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

    @Test func eachCallDrawsAnew() {
        for settings in [Self.diffaugment(1), Self.ada(0.9)] {
            let view = DiscriminatorAugmentation(settings, device: .cpu)
            let random = RandomSource(seed: 6)
            let (first, second) = (
                view(Self.pictures(), random: random), view(Self.pictures(), random: random)
            )
            #expect(first.floats() != second.floats())
            #expect(first.floats() == view(Self.pictures(), random: RandomSource(seed: 6)).floats())
        }
    }

    @Test(arguments: [DType.bfloat16, .float32, .float64])
    func typesAreKept(_ dtype: DType) {
        for settings in [Self.diffaugment(1), Self.ada(0.9)] {
            func seen(_ images: Tensor) -> Tensor {
                DiscriminatorAugmentation(settings, device: .cpu)(images, random: RandomSource(seed: 3))
            }
            let images = Self.pictures(4, dtype)
            let found = seen(images)
            #expect(found.dtype == dtype && found.shape == images.shape)
            if dtype == .bfloat16 {
                // Computed in single precision, then rounded once.
                #expect(found.floats() == seen(images.to(.float32)).to(.bfloat16).floats())
            } else {
                let difference = (found.to(.float64) - seen(images.to(.float64))).abs().max().item()
                #expect(difference < 1e-5)
            }
            let inside = withAutocast(.bfloat16, on: .cpu) { seen(images) }
            #expect(inside.floats() == found.floats())
        }
    }

    @Test func theRestOfTheBatchDoesNotMatter() {
        let view = DiscriminatorAugmentation(Self.diffaugment(1), device: .cpu)
        let images = Self.pictures()
        let other = Tensor.concatenated([images[0..<1], images[1..<4] * 0.5])
        let (a, b) = (view(images, random: RandomSource(seed: 8)), view(other, random: RandomSource(seed: 8)))
        #expect(a[0].floats() == b[0].floats() && a[1].floats() != b[1].floats())
    }

    @Test func wrongShapesAreRefused() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = DiscriminatorAugmentation(AugmentSettings(), device: .cpu)(
                Tensor.zeros([2, 1, 8, 8]), random: RandomSource(seed: 0))
        }
        let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(said.contains("expected pictures [N, 3, H, W]") && said.contains("Float[2, 1, 8, 8]"))
    }

    /// Wherever the memory ends, in the view or before it, the scope ends and not the program.
    @Test(arguments: [false, true]) func noMemoryIsNoTrap(isLostBefore: Bool) {
        for settings in [Self.diffaugment(1), Self.ada(0.9)] {
            let images = Self.pictures()
            let random = RandomSource(seed: 3)
            let state = random.state
            let error = #expect(throws: TorchError.self) {
                try recoveringFromOutOfMemory {
                    let lost = Tensor.zeros([1 << 50])
                    let view = DiscriminatorAugmentation(settings, device: .cpu)
                    _ = view(isLostBefore ? lost : images, random: random)
                    view.observe(realLogits: lost)
                    // As when the memory ends between two operations.
                    _ = Warp.apply(
                        [PlaneMap(), PlaneMap()], to: lost, isOversampled: true, beyond: .mirrorImages)
                    _ = ColorMap.apply([ColorMap(), ColorMap()], to: lost)
                    _ = FrequencyBands.apply([[1, 1, 1, 1], [1, 1, 1, 1]], to: lost)
                    _ = Holes.apply([nil, nil], to: lost)
                }
            }
            #expect("\(error as Any)".contains("out of memory") && random.state == state)
        }
    }

    /// A kind shows only what it reads.
    @Test func settingsAreRead() throws {
        let text = "kind: ada\ntarget: 0.5\nspeedKimg: 100\nfilter: 0.25\n"
        let settings = try SettingsDocument.decode(AugmentSettings.self, yaml: text, path: "augment.yaml")
        #expect(settings.kind == .ada && settings.target == 0.5 && settings.filter == 0.25)
        #expect(settings.speedKimg == 100 && settings.blit == 1)
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
