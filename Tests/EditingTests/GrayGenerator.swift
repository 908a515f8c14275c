import Models
import Recipes
import Settings
import Torch
import TorchNN

/// Style generator of gray pictures, whose brightness is a linear function of w. It has a known direction.
final class GrayGenerator: Module, StyleGenerator {
    let latentSpace: LatentSpace
    let resolution: Int
    let layerCount = 2
    let averageW = Buffer(Tensor.zeros([4]))
    /// [1, 4].
    let brightness: Linear

    init(latentSpace: LatentSpace, resolution: Int) {
        (self.latentSpace, self.resolution) = (latentSpace, resolution)
        brightness = Linear(4, 1)
    }

    func map(_ latents: Latents) -> Tensor {
        latents.z.unsqueezed(1).expanded(to: [latents.count, layerCount, 4])
    }

    func synthesize(_ w: Tensor, noise: NoiseInput) -> Tensor {
        brightness(w.mean([1]) * 0.5).tanh().reshape([w.shape[0], 1, 1, 1])
            .expanded(to: [w.shape[0], 3, resolution, resolution])
    }
}

/// `GrayGenerator` as a family of recipes.
struct GraySettings: NetworkFamily {
    static let name = "test-gray"
    private static let registered: Void = NetworkFamilies.register(GraySettings.self)
    static func registerOnce() { registered }

    static let yaml = "resolution: 16\ngenerator: {kind: test-gray, latent: {size: 4}}\n"

    init() {}

    mutating func fields(_ v: inout some FieldVisitor) throws {}

    func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        GrayGenerator(latentSpace: latentSpace, resolution: resolution)
    }

    func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        DCGANSettings().makeDiscriminator(resolution: resolution, conditions: conditions)
    }
}
