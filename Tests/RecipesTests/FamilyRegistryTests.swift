import Models
import Recipes
import Settings
import Testing
import Torch
import TorchNN

/// A network family of another package: one file, and one call of `NetworkFamilies.register`.
struct TinySettings: NetworkFamily {
    static let name = "tiny"

    var width = 4

    init() {}

    mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("width", &width, in: 1...64, "Channels.")
    }

    func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        TinyGenerator(self, latentSpace: latentSpace, resolution: resolution)
    }

    func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        TinyDiscriminator(self)
    }
}

final class TinyGenerator: Module, Generator {
    let dense: Linear
    let latentSpace: LatentSpace
    let resolution: Int

    init(_ settings: TinySettings, latentSpace: LatentSpace, resolution: Int) {
        dense = Linear(latentSpace.size, 3 * settings.width)
        (self.latentSpace, self.resolution) = (latentSpace, resolution)
    }

    func callAsFunction(_ latents: Latents, noise: NoiseInput) -> Tensor {
        dense(latents.z).reshape([latents.count, 3, -1, 1]).mean([2], keep: true)
            .expanded(to: [latents.count, 3, resolution, resolution]).tanh()
    }
}

final class TinyDiscriminator: Module, Discriminator {
    let dense: Linear
    var usesBatchStatistics: Bool { false }

    init(_ settings: TinySettings) { dense = Linear(3, 1) }

    func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        DiscriminatorOutput(logits: dense(images.mean([2, 3])).squeezed(1))
    }
}

@Suite struct FamilyRegistryTests {
    @Test func aFamilyIsOneFileAndOneLine() throws {
        NetworkFamilies.register(TinySettings.self)
        let recipe: Recipe = try SettingsDocument.decode(
            yaml: """
                resolution: 16
                generator: {kind: tiny, width: 8, latent: {size: 6}}
                discriminator: {kind: tiny}
                """, path: "tiny.yaml")
        #expect(recipe.adversarial.generator[TinySettings.self].width == 8)
        // What is written is read back, with the family's own fields.
        #expect(recipe.yaml.contains("kind: tiny") && recipe.yaml.contains("width: 8"))
        #expect(try SettingsDocument.decode(yaml: recipe.yaml, path: "again") == recipe)
        let random = RandomSource(seed: 1)
        let generator = recipe.adversarial.makeGenerator(resolution: 16, random: random)
        let discriminator = recipe.adversarial.makeDiscriminator(resolution: 16, random: random)
        let images = generator(LatentSampler(generator.latentSpace).sample(seeds: [1, 2]))
        #expect(images.shape == [2, 3, 16, 16])
        #expect(discriminator(images).shape == [2])
        let fields = try SettingsDocument.reference(Recipe.self)
        #expect(fields.contains { $0.key == "generator.width" && $0.kinds == ["tiny"] })
    }

    @Test func unknownFamiliesAreRefused() {
        let error = #expect(throws: SettingsError.self) {
            try SettingsDocument.decode(Recipe.self, yaml: "generator: {kind: residal}", path: "r.yaml")
        }
        #expect("\(error!)".contains("did you mean `residual`?"))
    }
}
