import Objectives
import Testing
import Torch

/// Penalties differentiate the discriminator's view twice: each operation against differences in float64.
@Suite struct ViewDerivativeTests {
    private static let shape = [2, 3, 5, 4]
    /// The last operation of a name is the whole view with its own draws.
    static let names = [
        "warp", "blit", "translation", "composed", "composed zeros", "colours", "bands", "noise and cutout",
        "diffaugment", "ada",
    ]

    private static func apply(_ name: String, to images: Tensor) -> Tensor {
        let random = RandomSource(seed: 11)
        let tilted = PlaneMap.rotation(0.7).then(.scale(1.3, 0.8)).then(.translation(1.7, -0.6))
        let moved = PlaneMap.translation(-1, 2)
        let numbers = Tensor(
            doubles: [tilted, moved].flatMap { [$0.xx, $0.xy, $0.x0, $0.yx, $0.yy, $0.y0] }, shape: [2, 2, 3])
        switch name {
        case "warp":
            return Warp.apply([tilted, moved], to: images, isOversampled: true, beyond: .mirrorImages)
        case "blit":
            return Warp.apply([tilted, moved], to: images, isOversampled: false, beyond: .mirrorImages)
        case "translation":
            return Warp.apply([tilted, moved], to: images, isOversampled: false, beyond: .zeros)
        case "composed":
            return Warp.composed(images, numbers, isOversampled: true, beyond: .mirrorImages)
        case "composed zeros":
            return Warp.composed(images, numbers, isOversampled: false, beyond: .zeros)
        case "colours":
            var change = ColorChange()
            (change.brightness, change.contrast, change.isLumaFlipped) = (0.2, 1.5, true)
            (change.hue, change.saturation) = (1, 0.6)
            return ColorMap.apply([change.map, ColorMap()], to: images)
        case "bands": return FrequencyBands.apply([[0.5, 2, 1, 3], [1, 1, 1.5, 1]], to: images)
        case "noise and cutout":
            var settings = AugmentSettings(.ada)
            (settings.blit, settings.geometry, settings.color, settings.corruption) = (0, 0, 0, 1)
            var change = AdaptiveChange()
            (change.noise, change.hole) = (0.1, Holes.Hole(columns: 1..<3, rows: 0..<2))
            let noise = Tensor.normal(shape, random: random)
            return AdaptiveChange.apply([change, AdaptiveChange()], to: images, settings, noise: noise)
        case "diffaugment":
            return DiscriminatorAugmentation(AugmentSettings(.diffaugment), device: .cpu)(
                images, random: random)
        default:
            var settings = AugmentSettings(.ada)
            (settings.startProbability, settings.filter, settings.corruption) = (0.8, 1, 1)
            return DiscriminatorAugmentation(settings, device: .cpu)(images, random: random)
        }
    }

    @Test(arguments: names) func derivativesAreDifferences(_ name: String) {
        let random = RandomSource(seed: 2)
        let images = Tensor.uniform(Self.shape, -1, 1, random: random).to(.float64).requiringGradient()
        let weights = Tensor.normal(Self.shape, random: random).to(.float64)
        // Bent, so that there is a second derivative.
        func value() -> Tensor { (Self.apply(name, to: images).pow(3) * weights).sum() }
        Differences.expectFirst(wrt: [images], name, of: value)
        Differences.expectSecond(wrt: [images], name, of: value)
        #expect(Self.apply(name, to: images).detached().doubles() != images.detached().doubles())
    }
}
