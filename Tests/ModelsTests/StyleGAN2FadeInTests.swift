import Models
import Testing
import Torch
import TorchNN

/// StyleGAN2 that continues a network for smaller pictures.
@Suite struct StyleGAN2FadeInTests {
    private let latents = Latents(
        Tensor.normal([3, 6], random: RandomSource(seed: 5)))

    private func settings(_ architecture: StyleGAN2Settings.Architecture) -> StyleGAN2Settings {
        var settings = StyleGAN2Settings()
        (settings.channelBase, settings.maxFilters) = (128, 12)
        (settings.wSize, settings.mappingLayers) = (10, 2)
        (settings.generatorArchitecture, settings.discriminatorArchitecture) = (architecture, architecture)
        return settings
    }

    private func generator(
        _ architecture: StyleGAN2Settings.Architecture, _ resolution: Int, seed: UInt64, from side: Int? = nil
    ) -> StyleGAN2Generator {
        let generator = StyleGAN2Generator(
            settings(architecture), latentSpace: LatentSpace(size: 6), resolution: resolution)
        side.map { generator.prepareFade(from: $0, random: RandomSource(seed: 99)) }
        generator.initialize(RandomSource(seed: seed))
        generator.train(false)
        // Noise of strength 0 would hide differences of the noise.
        withoutGradients {
            for (key, parameter) in generator.parameters where key.hasSuffix("noise_strength") {
                parameter.value.fill_(0.3)
            }
        }
        return generator
    }

    private func discriminator(
        _ architecture: StyleGAN2Settings.Architecture, _ resolution: Int, seed: UInt64, from side: Int? = nil
    ) -> StyleGAN2Discriminator {
        let discriminator = StyleGAN2Discriminator(settings(architecture), resolution: resolution)
        side.map { discriminator.prepareFade(from: $0, random: RandomSource(seed: 99)) }
        discriminator.initialize(RandomSource(seed: seed))
        return discriminator
    }

    /// Doubles the sides of colors [N, 3, S, S] with the filter [1, 3, 3, 1] / 4, with zeros outside.
    private func doubled(_ images: Tensor) -> Tensor {
        resampled(images) { row in
            (0..<2 * row.count).map { (index: Int) -> Float in
                let far = index % 2 == 0 ? index / 2 - 1 : index / 2 + 1
                let other: Float = row.indices.contains(far) ? row[far] : 0
                return (3 * row[index / 2] + other) / 4
            }
        }
    }

    /// Halves the sides of colors with the filter [1, 3, 3, 1] / 8, with zeros outside.
    private func halved(_ images: Tensor) -> Tensor {
        resampled(images) { row in
            (0..<row.count / 2).map { (index: Int) -> Float in
                var sum: Float = 0
                for (tap, weight) in ([1, 3, 3, 1] as [Float]).enumerated() {
                    let place = 2 * index - 1 + tap
                    if row.indices.contains(place) { sum += weight * row[place] / 8 }
                }
                return sum
            }
        }
    }

    /// Applies a function to all rows, then to all columns.
    private func resampled(_ images: Tensor, _ row: ([Float]) -> [Float]) -> Tensor {
        func last(_ tensor: Tensor) -> Tensor {
            let (values, width) = (tensor.contiguous().floats(), tensor.shape[3])
            let rows = stride(from: 0, to: values.count, by: width).map {
                row(Array(values[$0..<$0 + width]))
            }
            return Tensor(rows.flatMap { $0 }, shape: tensor.shape.dropLast() + [rows[0].count])
        }
        return last(last(images.detached()).transposed(2, 3)).transposed(2, 3).contiguous()
    }

    private func distance(_ a: Tensor, _ b: Tensor) -> Double {
        #expect(a.shape == b.shape)
        return (a.detached() - b.detached()).abs().max().item() / max(1, b.abs().max().item())
    }

    @Test(arguments: StyleGAN2Settings.Architecture.allCases, [16, 32])
    func generatorBeginsWithTheUpsampledPictures(
        architecture: StyleGAN2Settings.Architecture, resolution: Int
    ) throws {
        let small = generator(architecture, 8, seed: 1)
        let large = generator(architecture, resolution, seed: 2, from: 8)
        let differences = large.mismatch(with: small.state)
        #expect(differences.misshaped.isEmpty && differences.unexpected.isEmpty)
        try large.load(small.state, strict: false)
        for noise in [NoiseInput.none, .constant] {
            var expected = small(latents, noise: noise)
            while expected.shape[2] < resolution { expected = doubled(expected) }
            large.fade = .number(0)
            #expect(distance(large(latents, noise: noise), expected) < 1e-5)
            large.fade = .tensor(Tensor.zeros([]))
            #expect(distance(large(latents, noise: noise), expected) < 1e-5)
            // Without a fade, it is the ordinary network with these weights.
            large.fade = nil
            let whole = generator(architecture, resolution, seed: 3)
            let known = Set(whole.state.map(\.key))
            try whole.load(large.state.filter { known.contains($0.key) })
            let full = whole(latents, noise: noise)
            #expect(distance(large(latents, noise: noise), full) < 1e-6)
            #expect(distance(full, expected) > 0.05)
            large.fade = .number(0.25)
            #expect(
                distance(large(latents, noise: noise), expected.lerp(full, weight: 0.25)) < 1e-5)
        }
    }

    /// The prepared synthesis of `generate` has the same fade.
    @Test(arguments: StyleGAN2Settings.Architecture.allCases)
    func preparedSynthesisFadesIn(architecture: StyleGAN2Settings.Architecture) {
        let large = generator(architecture, 16, seed: 2, from: 8)
        for weight in [0, 0.3, 1] {
            large.fade = .number(weight)
            let w = withoutGradients { large.map(latents) }
            let prepared = withoutGradients { large.foldedSynthesis()(w, .constant) }
            #expect(distance(prepared, large.synthesize(w, noise: .constant)) < 1e-5)
        }
        large.fade = nil
        let w = withoutGradients { large.map(latents) }
        #expect(
            distance(
                withoutGradients { large.foldedSynthesis()(w, .constant) },
                large.synthesize(w, noise: .constant)) < 1e-5)
    }

    @Test(arguments: StyleGAN2Settings.Architecture.allCases, [16, 32])
    func discriminatorBeginsWithDownsampledPictures(
        architecture: StyleGAN2Settings.Architecture, resolution: Int
    ) throws {
        let small = discriminator(architecture, 8, seed: 1)
        let large = discriminator(architecture, resolution, seed: 2, from: 8)
        let differences = large.mismatch(with: small.state)
        #expect(differences.misshaped.isEmpty && differences.unexpected.isEmpty)
        try large.load(small.state, strict: false)
        let images = Tensor.normal([4, 3, resolution, resolution], random: RandomSource(seed: 8))
        var smaller = images
        while smaller.shape[2] > 8 { smaller = halved(smaller) }
        let expected: Tensor = small(smaller)
        for weight in [Factor.number(0), .tensor(Tensor.zeros([]))] {
            large.fade = weight
            #expect(distance(large(images), expected) < 1e-5)
        }
        large.fade = nil
        let whole = discriminator(architecture, resolution, seed: 3)
        let known = Set(whole.state.map(\.key))
        try whole.load(large.state.filter { known.contains($0.key) })
        let full: Tensor = whole(images)
        #expect(distance(large(images), full) < 1e-6)
        #expect(distance(full, expected) > 1e-3)
        large.fade = .number(1)
        #expect(distance(large(images), full) < 1e-5)
        large.fade = .number(0.5)
        #expect(distance(large(images), full) > 1e-4)
    }

    /// Layers of the fade-in only are known by their keys.
    @Test(arguments: StyleGAN2Settings.Architecture.allCases)
    func layersOfTheFadeHaveKnownKeys(architecture: StyleGAN2Settings.Architecture) {
        let settings = settings(architecture)
        func added(_ large: Module, _ whole: Module) -> [String] {
            let known = Set(whole.state.map(\.key))
            return large.state.map(\.key).filter { !known.contains($0) }
        }
        for (isGenerator, keys) in [
            (
                true,
                added(generator(architecture, 16, seed: 1, from: 8), generator(architecture, 16, seed: 1))
            ),
            (
                false,
                added(
                    discriminator(architecture, 16, seed: 1, from: 8),
                    discriminator(architecture, 16, seed: 1))
            ),
        ] {
            let fading = settings.fadingKeys(from: 8, isGenerator: isGenerator)
            #expect(keys.isEmpty == (architecture == .skip) && fading.isEmpty == keys.isEmpty)
            #expect(keys.allSatisfy { key in fading.contains { key.hasPrefix($0) } }, "\(keys)")
        }
    }

    /// Faded pictures have the detail of a smaller network at weight 0, and all detail at weight 1.
    @Test func realPicturesFadeIn() {
        let images = Tensor.normal([2, 3, 16, 16], random: RandomSource(seed: 8))
        let filter = ResamplingFilter()
        #expect(distance(filter.faded(images, from: 8, weight: .number(0)), doubled(halved(images))) < 1e-5)
        #expect(distance(filter.faded(images, from: 8, weight: .number(1)), images) < 1e-6)
    }
}
