import Models
import Testing
import Torch
import TorchNN

/// Labels and seeds of generated pictures.
@Suite struct LatentSamplerTests {
    /// Beard and lipstick exclude each other. Half of each group smiles.
    private let rows = LabelRows(
        names: ["Beard", "Lipstick", "Smiling"],
        values: [1, -1, 1, 1, -1, -1, -1, 1, 1, -1, 1, -1, -1, -1, 1, -1, -1, -1])

    private func row(_ requested: [Int: Int8], position: Double) -> [Int8] {
        rows.rows(requested: requested, positions: [position])[0]
    }

    @Test func requestedLabelsArePresent() {
        for position in stride(from: 0.0, to: 1, by: 0.07) {
            #expect(row([0: 1], position: position)[0] == 1)
            #expect(row([0: -1, 2: 1], position: position)[0] == -1)
            #expect(row([0: -1, 2: 1], position: position)[2] == 1)
            // Also if no picture has both.
            #expect(row([0: 1, 1: 1], position: position)[0..<2] == [1, 1])
        }
    }

    @Test func otherLabelsComeFromAgreeingRows() {
        let positions = stride(from: 0.0, to: 1, by: 0.01)
        let bearded = positions.map { row([0: 1], position: $0) }
        #expect(bearded.allSatisfy { $0[1] == -1 }, "a bearded row has lipstick")
        #expect(abs(bearded.count { $0[2] == 1 } - 50) <= 1)
        let all = positions.map { row([:], position: $0) }
        #expect(abs(all.count { $0[0] == 1 } - 33) <= 1)
        #expect(abs(all.count { $0[1] == 1 } - 33) <= 1)
    }

    /// Rows of classes have a 1 for one class and 0 for the others.
    @Test func exclusiveLabelsAreOneClass() {
        let names = ["a", "b", "c"]
        let known = LabelRows(
            names: names, values: [1, -1, -1, 1, -1, -1, 1, -1, -1, -1, -1, 1], isExclusive: true)
        let unknown = LabelRows(names: names, values: [], isExclusive: true)
        let positions = stride(from: 0.0, to: 1, by: 0.01).map { $0 }
        for rows in [known, unknown] {
            #expect(rows.rows(requested: [1: 1], positions: [0, 0.9]) == [[0, 1, 0], [0, 1, 0]])
            let drawn = rows.rows(requested: [:], positions: positions)
            #expect(drawn.allSatisfy { $0.sorted() == [0, 0, 1] })
            let excluding = rows.rows(requested: [0: -1], positions: positions)
            #expect(excluding.allSatisfy { $0.sorted() == [0, 0, 1] && $0[0] == 0 })
        }
        // Classes have the frequencies of the rows, or are equally frequent.
        func frequencies(_ rows: LabelRows) -> [Int] {
            let drawn = rows.rows(requested: [:], positions: positions)
            return names.indices.map { index in drawn.count { $0[index] == 1 } }
        }
        #expect(frequencies(known) == [75, 0, 25])
        #expect(frequencies(unknown).allSatisfy { (33...34).contains($0) })
    }

    @Test func seedsKeepTheirLatents() {
        var sampler = LatentSampler(LatentSpace(size: 5), labels: rows)
        let free = sampler.sample(seeds: [1, 2, 3])
        #expect(free.z.shape == [3, 5] && free.labels?.shape == [3, 3])
        sampler.requested = [2: 1]
        let requested = sampler.sample(seeds: [1, 2, 3])
        #expect(requested.z.floats() == free.z.floats())
        #expect(requested.labels?.select(1, 2).floats() == [1, 1, 1])
        let unconditional = LatentSampler(LatentSpace(size: 5)).sample(seeds: [1, 2, 3])
        #expect(unconditional.labels == nil && free.z.floats() == unconditional.z.floats())
        let alone = sampler.sample(seeds: [3])
        #expect(alone.z.floats() == requested[2..<3].z.floats())
        #expect(alone.labels?.floats() == requested[2..<3].labels?.floats())
    }

    @Test func labelsChangeGeneratedPictures() {
        for kind in SmallFamily.allCases {
            let settings = GeneratorSettings(kind.settings(filters: 4), latent: LatentSpace(size: 5))
            let random = RandomSource(seed: 1)
            let generator = settings.make(resolution: 16, labels: 3, random: random)
            for (_, parameter) in generator.parameters where kind == .residual {
                // Conditional normalization is initially unconditional.
                withoutGradients { parameter.value.normal_(random: random) }
            }
            let z = Tensor.normal([1, 5], random: random)
            let (a, b) = ([Float(1), 1, -1], [Float(-1), 1, 1])
            let both = generator(
                .concatenated([a, b].map { Latents(z, labels: Tensor($0, shape: [1, 3])) }))
            #expect((both[0] - both[1]).abs().max().item() > 1e-4, "\(kind)")
        }
    }

    /// A call of a style generator equals `map` followed by `synthesize`.
    @Test func styleGeneratorsMapThenSynthesize() {
        final class Style: Module, StyleGenerator {
            let latentSpace = LatentSpace(size: 5)
            let resolution = 4
            let layerCount = 3
            let averageW = Buffer(Tensor.zeros([6]))
            let mapping = Linear(8, 6)
            let color = Linear(18, 3)
            let noiseStrength = 0.5

            func map(_ latents: Latents) -> Tensor {
                let inputs = Tensor.concatenated([latents.z, latents.labels!], 1)
                return mapping(inputs).unsqueezed(1).expanded(to: [latents.count, layerCount, 6])
            }

            func synthesize(_ w: Tensor, noise: NoiseInput) -> Tensor {
                let pixels = color(w.contiguous().reshape([w.shape[0], 18])).reshape([w.shape[0], 3, 1, 1])
                let images = pixels.expanded(to: [w.shape[0], 3, resolution, resolution])
                guard case .random(let stream) = noise else { return images }
                return images + Tensor.normal(images.shape, random: stream) * noiseStrength
            }
        }
        let generator = Style()
        generator.initialize(RandomSource(seed: 1))
        let sampler = LatentSampler(generator.latentSpace, labels: rows, requested: [0: 1])
        let latents = sampler.sample(seeds: [1, 2])
        let w = generator.map(latents)
        #expect(w.shape == [2, 3, 6])
        #expect(generator(latents).bytes() == generator.synthesize(w, noise: .constant).bytes())
        #expect(generator.truncated(w, psi: 1).bytes() == w.bytes())
        #expect(generator.truncated(w, psi: 0).abs().max().item() == 0)
        let noisy = generator(latents, noise: .random(RandomSource(seed: 2)))
        #expect(noisy.bytes() == generator(latents, noise: .random(RandomSource(seed: 2))).bytes())
        #expect((noisy - generator(latents, noise: .none)).abs().max().item() > 0.1)
    }
}
