import Checkpoints
import Imaging
import Models
import Provenance
import Synthesis
import Testing
import Torch

@Suite struct SeedTests {
    /// Networks of full width, because small ones take other kernels; compared before rounding to bytes.
    @Test(arguments: ["dcgan", "dcgan-dense"], [Precision.fp32, .bf16])
    func aFaceDoesNotDependOnTheOthers(recipe: String, precision: Precision) throws {
        let fixture = try Fixture(recipe)
        let generator = try Model(fixture.path).generator
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

    @Test func facesCarryTheirSeeds() throws {
        let fixture = try Fixture.tiny()
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
