import Models
import Testing
import Torch
import TorchNN

/// Fading in is seamless at both ends, for networks and for real pictures.
@Suite struct GrowthTests {
    private let random = RandomSource(seed: 3)

    private func settings(residual: Bool) -> ProgressiveSettings {
        var settings = ProgressiveSettings()
        (settings.maxFilters, settings.residual) = (8, residual)
        return settings
    }

    private func difference(_ a: Tensor, _ b: Tensor) -> Double { (a - b).detached().abs().max().item() }

    @Test(arguments: [false, true], [8, 16, 32])
    func aGeneratorFadesFromTheSmallerToTheLarger(residual: Bool, side: Int) {
        let generator = ProgressiveGenerator(
            settings(residual: residual), latentSpace: LatentSpace(size: 6), resolution: 32)
        generator.initialize(random)
        let latents = Latents(Tensor.normal([3, 6], random: random))
        func made(_ growth: Growth) -> Tensor {
            generator.growth = growth
            return generator(latents)
        }
        let smaller = made(Growth(side: side / 2)).upsampledNearest(height: side, width: side)
        let larger = made(Growth(side: side))
        #expect(larger.shape == [3, 3, side, side])
        #expect(difference(made(Growth(side: side, alpha: 0)), smaller) < 1e-6)
        // The last step before 1 is as near to it as its alpha.
        #expect(difference(made(Growth(side: side, alpha: 1 - 1e-7)), larger) < 1e-6)
        #expect(difference(smaller, larger) > 0.01)
        #expect(generator.fullSize(generator(latents)).shape == [3, 3, 32, 32])
        #expect(GeneratorRunner(generator).images(latents, batchSize: 4).shape == [3, 3, 32, 32])
    }

    @Test(arguments: [false, true])
    func aCriticFadesFromTheSmallerToTheLarger(residual: Bool) {
        let critic = ProgressiveCritic(settings(residual: residual), resolution: 16)
        critic.initialize(random)
        let images = Tensor.normal([4, 3, 16, 16], random: random)
        func judged(_ images: Tensor, _ growth: Growth) -> Tensor {
            critic.growth = growth
            return critic(images)
        }
        let smaller = judged(images.averagePool2d(2, stride: 2), Growth(side: 8))
        let larger = judged(images, Growth(side: 16))
        #expect(difference(judged(images, Growth(side: 16, alpha: 0)), smaller) < 1e-6)
        #expect(difference(judged(images, Growth(side: 16, alpha: 1 - 1e-7)), larger) < 1e-5)
        #expect(difference(smaller, larger) > 1e-3)
    }

    /// Reals at alpha 0 have no more detail than half the side shows.
    @Test func realsFadeToo() {
        let images = Tensor.normal([2, 3, 32, 32], random: random)
        let half = images.averagePool2d(4, stride: 4)
        let start = Growth(side: 16, alpha: 0).faded(images)
        #expect(difference(start, half.upsampledNearest(height: 16, width: 16)) < 1e-6)
        let end = Growth(side: 16).faded(images)
        #expect(difference(end, images.averagePool2d(2, stride: 2)) == 0)
        #expect(difference(Growth(side: 16, alpha: 0.25).faded(images), start.lerp(end, weight: 0.25)) < 1e-6)
        #expect(difference(Growth(side: 32).faded(images), images) == 0)
    }

    /// Karras et al. 2018, table 2: 23.1 million trained values in each network at 1024².
    @Test func publishedSizesAreReached() {
        let generator = ProgressiveGenerator(latentSpace: LatentSpace(size: 512), resolution: 1024)
        let critic = ProgressiveCritic(resolution: 1024)
        #expect(abs(Double(generator.parameterCount) / 1e6 - 23.1) < 0.05)
        #expect(abs(Double(critic.parameterCount) / 1e6 - 23.1) < 0.05)
    }

    @Test func aPyramidJudgesEachScale() {
        let parts = [16, 8].map { ProgressiveCritic(settings(residual: false), resolution: $0) }
        let pyramid = PyramidDiscriminator(parts)
        pyramid.initialize(random)
        #expect(pyramid.state.count == parts[0].state.count + parts[1].state.count)
        #expect(pyramid.state[0].key.hasPrefix("discriminators.0."))
        pyramid.growth = Growth(side: 16, alpha: 0.5)
        #expect(parts.map(\.growth) == [Growth(side: 16, alpha: 0.5), Growth(side: 8, alpha: 0.5)])
        let images = Tensor.normal([4, 3, 16, 16], random: random)
        let verdict = pyramid(images, labels: nil)
        #expect(verdict.logits.shape == [4, 2])
        #expect(difference(verdict.logits.select(1, 0), parts[0](images)) == 0)
        // At 4 pixels there is nothing smaller to see.
        pyramid.growth = Growth(side: 4)
        #expect(pyramid(images.averagePool2d(4, stride: 4), labels: nil).logits.shape == [4, 1])
    }

    /// What half the side cannot show is not left over as another pattern.
    @Test func aPyramidDoesNotAlias() {
        let side = 32
        let stripes = Tensor((0..<side).map { Float($0 % 2 == 0 ? 1 : -1) })
            .reshape([1, 1, 1, side]).expanded(to: [1, 3, side, side])
        final class Probe: Module, Discriminator {
            var seen: Tensor?
            var usesBatchStatistics: Bool { false }
            func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
                seen = images
                return DiscriminatorOutput(logits: images.mean([1, 2, 3]))
            }
        }
        let probes = [Probe(), Probe()]
        _ = PyramidDiscriminator(probes)(stripes + 0.5, labels: nil)
        #expect(probes[1].seen!.shape == [1, 3, 16, 16])
        #expect(difference(probes[1].seen!, Tensor.full([1, 3, 16, 16], 0.5)) < 1e-6)
    }
}
