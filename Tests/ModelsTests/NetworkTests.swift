import Foundation
import Models
import TestSupport
import Testing
import Torch
import TorchNN

/// Network families of the package, with few channels.
enum SmallFamily: String, CaseIterable {
    case dcgan, residual, progressive
    case denseDCGAN = "dcgan-dense"

    func settings(filters: Int) -> any NetworkFamily {
        switch self {
        case .dcgan:
            var settings = DCGANSettings()
            settings.filters = filters
            return settings
        case .denseDCGAN:
            var settings = DenseDCGANSettings()
            settings.filters = filters
            return settings
        case .residual:
            var settings = ResidualSettings()
            settings.filters = filters
            return settings
        case .progressive:
            var settings = ProgressiveSettings()
            settings.maxFilters = 2 * filters
            return settings
        }
    }
}

/// Keys and sizes of the networks. Renaming a property would make existing weight files unreadable.
@Suite struct NetworkTests {
    private struct Facts: Decodable {
        let keys: [String]
        let parameters: Int
    }

    @Test(arguments: [
        ("dcgan", SmallFamily.dcgan, 64), ("dcgan-dense", .denseDCGAN, 64), ("dcgan128", .dcgan, 128),
        ("residual", .residual, 64),
    ])
    func keysAndSizesEqualPyTorch(name: String, kind: SmallFamily, resolution: Int) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: goldens("Models/networks.json")))
        let facts = try #require(try JSONDecoder().decode([String: [Facts]].self, from: data)[name])
        let modules: [Module] =
            switch kind {
            case .dcgan:
                [DCGANGenerator(resolution: resolution), DCGANDiscriminator(resolution: resolution)]
            case .denseDCGAN:
                [
                    DenseDCGANGenerator(latentSpace: LatentSpace(size: 100), resolution: resolution),
                    DenseDCGANDiscriminator(resolution: resolution),
                ]
            case .residual:
                [
                    ResidualGenerator(latentSpace: LatentSpace(size: 128), resolution: resolution),
                    ResidualCritic(resolution: resolution),
                ]
            case .progressive: fatalError("tested in FamilyTests")
            }
        for (module, expected) in zip(modules, facts) {
            #expect(module.state.map(\.key) == expected.keys)
            #expect(module.parameterCount == expected.parameters)
        }
    }

    @Test func parameterCountsEqualTheExample() {
        #expect(DCGANGenerator().parameterCount == 3_576_704)
        #expect(DCGANDiscriminator().parameterCount == 2_765_568)
    }

    @Test(arguments: SmallFamily.allCases, [8, 16, 64])
    func shapesAndRanges(kind: SmallFamily, resolution: Int) {
        let family = kind.settings(filters: 4)
        let first = GeneratorSettings(family, latent: LatentSpace(size: 12, distribution: .uniform))
        let second = DiscriminatorSettings(family)
        let random = RandomSource(seed: 1)
        let generator = first.make(resolution: resolution, random: random)
        let discriminator = second.make(resolution: resolution, random: random)
        let z = first.latent.sample(3, random: random)
        #expect(z.shape == [3, 12] && z.abs().max().item() <= 1)
        let images = generator(Latents(z))
        #expect(images.shape == [3, 3, resolution, resolution])
        // Growing networks have no tanh, as in the paper.
        #expect(images.abs().max().item() <= (kind == .progressive ? 10 : 1))
        #expect(discriminator(images).shape == [3])
    }

    @Test func latentsDependOnTheirSeedOnly() {
        let latent = LatentSpace(size: 16)
        let several = LatentSampler(latent).sample(seeds: [5, 9, 5]).z
        #expect(several.shape == [3, 16])
        #expect(several[0].floats() == several[2].floats())
        #expect(several[1].floats() == LatentSampler(latent).sample(seeds: [9]).z[0].floats())
        #expect(several[0].floats() != several[1].floats())
        // Each seed has its own stream, which starts like `RandomSource(seed:)`.
        #expect(several[0].floats() == Tensor.normal([1, 16], random: RandomSource(seed: 5)).floats())
    }
}
