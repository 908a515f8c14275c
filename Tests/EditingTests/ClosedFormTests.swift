import Editing
import Models
import Recipes
import Settings
import Synthesis
import TensorTestSupport
import Testing
import Torch
import TorchNN

/// Directions without a predictor, against numpy (Tests/Goldens/make_editing.py).
@Suite struct ClosedFormTests {
    let golden: [String: Tensor]

    init() throws { golden = try goldenTensors("Editing/closed_form.safetensors") }

    @Test func eigenvectorsOfWeights() throws {
        let weights = try #require(golden["weights"])
        try expectNear(ClosedForm.eigenvectors(ofWeights: weights, count: 5), "sefa", golden, 1e-4)
    }

    @Test func principalComponents() throws {
        let latents = try #require(golden["latents"])
        try expectNear(ClosedForm.principalComponents(of: latents, count: 5), "components", golden, 1e-4)
    }

    @Test func componentsOfFeaturesAreCarriedBack() throws {
        let (features, latents) = (try #require(golden["features"]), try #require(golden["latents"]))
        try expectNear(
            ClosedForm.principalComponents(of: features, carriedTo: latents, count: 5), "carried", golden,
            1e-4)
    }

    /// The first layer that reads z, without the columns of labels.
    @Test(arguments: [
        "dcgan", "dcgan-dense", "progressive, maxFilters: 8", "residual, maxFilters: 8",
        "r3gan, maxFilters: 8",
        "stylegan2, channelBase: 64, maxFilters: 8, wSize: 6, mappingLayers: 2",
    ])
    func everyFamilyHasWeights(kind: String) throws {
        for conditions in ["[]", "[Smiling, Male]"] {
            let yaml = """
                resolution: 16
                conditions: {attributes: \(conditions)}
                generator: {kind: \(kind), latent: {size: 7}}
                discriminator: {kind: \(kind.hasPrefix("progressive") ? "progressive" : "dcgan")}
                """
            let recipe = try SettingsDocument.decode(Recipe.self, yaml: yaml, path: "test")
            let generator = recipe.adversarial.makeGenerator(resolution: 16, random: RandomSource(seed: 1))
            let labels = conditions == "[]" ? 0 : 2
            let weights = try #require(ClosedForm.weights(of: generator, labels: labels, space: .z))
            #expect(weights.shape[1] == 7)
            let found = ClosedForm.eigenvectors(ofWeights: weights, count: 3)
            #expect(found.shape == [3, 7])
            let products = found.matmul(found.transposed(0, 1)) - Tensor.identity(3)
            #expect(products.abs().max().item() < 1e-4)
            let styles = ClosedForm.weights(of: generator, labels: labels, space: .w)
            #expect((styles != nil) == kind.hasPrefix("stylegan2"))
        }
    }
}
