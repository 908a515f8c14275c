import Checkpoints
import Imaging
import ModelTestSupport
import Models
import Provenance
import Synthesis
import Testing
import Torch

@Suite struct SeedTests {
    /// Networks of full width, because small ones take other kernels; compared before rounding to bytes.
    @Test(arguments: ["dcgan", "dcgan-dense"], [Precision.fp32, .bf16])
    func aFaceDoesNotDependOnTheOthers(recipe: String, precision: Precision) throws {
        let fixture = try ModelFixture(recipe)
        let generator = try GeneratorModel(fixture.path).generator
        let maker = GeneratorRunner(generator, precision: precision)
        let seeds = (0..<37).map { UInt64($0) * 1_000_003 }
        let together = maker.images(LatentSampler(generator.latentSpace).sample(seeds: seeds)).floats()
        let size = together.count / seeds.count
        for index in [0, 1, 7, 15, 16, 31, 32, 36] {
            let alone = maker.images(LatentSampler(generator.latentSpace).sample(seeds: [seeds[index]]))
                .floats()
            #expect(alone.elementsEqual(together[(index * size)..<((index + 1) * size)]), "seed at \(index)")
        }
        let pair = maker.images(LatentSampler(generator.latentSpace).sample(seeds: [seeds[20], seeds[3]]))
            .floats()
        #expect(pair[..<size].elementsEqual(together[(20 * size)..<(21 * size)]))
        #expect(pair[size...].elementsEqual(together[(3 * size)..<(4 * size)]))
    }

    /// Values of pictures, before rounding to bytes, for every batch size that `GeneratorRunner` uses.
    ///
    /// bf16 only on processors with instructions for it; it is slow on others.
    @Test(
        arguments: ["dcgan", "dcgan-dense", "wgan-gp", "progan", "sagan", "conditional"],
        CPUFeatures.current.hasFastBFloat16 ? [Precision.fp32, .bf16] : [.fp32])
    func facesDoNotDependOnTheBatchSize(recipe: String, precision: Precision) throws {
        let fixture = try ModelFixture(recipe)
        let model = try GeneratorModel(fixture.path)
        let runner = GeneratorRunner(model.generator, precision: precision)
        let latents = model.sampler.sample(seeds: (0..<64).map { UInt64($0) * 7919 })
        #expect(runner.batches(of: .latents(latents)).map(\.size) == [64])
        let sizes = runner.measureSizes(.latents(latents))
        #expect(sizes.starts(with: [64]) && Set(sizes).isSubset(of: [64, 16, 4, 1]))
        let expected = runner.images(latents, batchSize: 64)
        // A part of the rows suffices for the small sizes. Batches of 5 and 1 rows are filled up or single rows.
        for (count, size) in [(16, 16), (8, 4), (5, 4), (1, 1)] {
            let found = runner.images(latents[0..<count], batchSize: size)
            let difference = (found - expected[0..<count]).abs().max().item()
            #expect(
                difference == 0,
                "\(count) rows in batches of \(runner.batches(of: .latents(latents[0..<count]), upTo: size).map(\.size))"
            )
        }
        // Three rows in a batch of four, at another place.
        #expect((runner.images(latents[5..<8]) - expected[5..<8]).abs().max().item() == 0)
    }

    /// Few rows are computed for few faces. Other processors may need larger batches for equal bits.
    @Test(
        .enabled(
            if: CPUFeatures.current.flags.contains("avx2") && !CPUFeatures.current.flags.contains("avx512f")),
        arguments: [("dcgan", 1), ("dcgan-dense", 4)]
    ) func batchesCoverTheirRows(
        recipe: String, smallest: Int
    ) throws {
        let fixture = try ModelFixture(
            recipe, ["resolution=16", "generator.filters=4", "generator.latent.size=6"])
        let model = try GeneratorModel(fixture.path)
        let runner = GeneratorRunner(model.generator)
        func sizes(_ count: Int, _ limit: Int = 64) -> [Int] {
            let latents = model.sampler.sample(seeds: (0..<count).map(UInt64.init))
            let batches = runner.batches(of: .latents(latents), upTo: limit)
            #expect(batches.flatMap { Array($0.rows) } == Array(0..<count))
            #expect(batches.allSatisfy { $0.rows.count <= $0.size })
            return batches.map(\.size)
        }
        #expect(sizes(1) == [smallest] && sizes(3) == [4] && sizes(4) == [4])
        #expect(sizes(12) == [16] && sizes(16) == [16] && sizes(17) == [16, smallest] && sizes(48) == [64])
        #expect(sizes(64) == [64] && sizes(64, 20) == [16, 16, 16, 16] && sizes(65) == [64, smallest])
        #expect(sizes(2) == (smallest == 1 ? [1, 1] : [4]))
        #expect(sizes(3, 2) == (smallest == 1 ? [1, 1, 1] : [4]))
    }

    @Test func facesCarryTheirSeeds() throws {
        let fixture = try ModelFixture.tiny()
        let sampler = try FaceSampler(fixture.path)
        let faces = sampler.faces(seeds: [9, 4, .max])
        #expect(faces.map { $0.origin["seed"] } == ["9", "4", "\(UInt64.max)"])
        #expect(faces.allSatisfy { $0.origin.model == sampler.model.digest && !$0.origin.model.isEmpty })
        #expect(Set(faces.map(\.picture.pixels)).count == 3)
        #expect(try FaceSampler(fixture.path).faces(seeds: [4])[0] == faces[1])
    }

    /// torch.randn(1, 6, generator=torch.Generator().manual_seed(5))
    @Test func noiseIsPyTorchs() {
        let z = LatentSampler(LatentSpace(size: 6)).sample(seeds: [5]).z.floats()
        let expected: [Float] = [-0.4867808, -0.6038216, -0.5580962, 0.6675243, -0.1974151, 1.9427835]
        #expect(zip(z, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(z)")
    }
}
