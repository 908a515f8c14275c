import Checkpoints
import Models
import Recipes
import Settings
import TestSupport
import Torch
import TorchNN

/// Model files with untrained weights.
struct Fixture {
    let folder: TemporaryFolder
    let path: String

    /// - Parameters:
    ///   - average: whether the file has a moving average that differs from the raw weights.
    ///   - settings: YAML of a recipe in place of a named one.
    init(
        _ recipe: String = "dcgan", _ overrides: [String] = [], average: Bool = true, settings: String? = nil
    ) throws {
        folder = try TemporaryFolder()
        path = folder.file("model.safetensors")
        let recipe =
            try settings.map { try SettingsDocument.decode(Recipe.self, yaml: $0, path: "fixture") }
            ?? Recipe.load(recipe, overrides: overrides)
        func state(_ seed: UInt64) -> [(key: String, tensor: Tensor)] {
            recipe.adversarial.generator.make(resolution: recipe.resolution, random: RandomSource(seed: seed))
                .state
        }
        var checkpoint = Checkpoint(recipe: recipe, clock: TrainingClock(steps: 5, images: 640))
        checkpoint.add("generator", state(1))
        if average { checkpoint.add("average", state(2)) }
        try checkpoint.write(to: path)
    }

    /// Networks that take no time.
    static func tiny(average: Bool = true) throws -> Fixture {
        try Fixture(
            "dcgan", ["resolution=16", "generator.filters=4", "generator.latent.size=6"], average: average)
    }
}
