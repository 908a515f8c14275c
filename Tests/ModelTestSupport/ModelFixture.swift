import Checkpoints
import Models
import Recipes
import Settings
import TestSupport
import Torch
import TorchNN

/// Model file with untrained weights, in a temporary folder.
public struct ModelFixture {
    public let folder: TemporaryFolder
    /// The safetensors file.
    public let path: String

    /// - Parameters:
    ///   - recipe: name of a recipe of any system.
    ///   - average: whether the file has a moving average that differs from the raw weights.
    ///   - settings: YAML of a recipe in place of a named one.
    ///   - facts: other facts of the training.
    public init(
        _ recipe: String = "dcgan", _ overrides: [String] = [], average: Bool = true, settings: String? = nil,
        facts: [String: String] = [:]
    ) throws {
        folder = try TemporaryFolder()
        path = folder.file("model.safetensors")
        let recipe =
            try settings.map { try SettingsDocument.decode(Recipe.self, yaml: $0, path: "fixture") }
            ?? Recipe.load(recipe, overrides: overrides)
        var checkpoint = Checkpoint(
            recipe: recipe, clock: TrainingClock(steps: 5, images: 640), facts: facts)
        let raw = recipe.system.kind == .attributes ? "network" : "generator"
        checkpoint.add(raw, try Self.network(recipe, seed: 1).state)
        if average { checkpoint.add("average", try Self.network(recipe, seed: 2).state) }
        try checkpoint.write(to: path)
    }

    private static func network(_ recipe: Recipe, seed: UInt64) throws -> Module {
        let random = RandomSource(seed: seed)
        return switch recipe.system {
        case .adversarial(let settings):
            settings.makeGenerator(resolution: recipe.resolution, random: random)
        case .restoration(let settings):
            settings.makeRestorer(resolution: recipe.resolution, random: random)
        case .conversion(let settings): settings.makeConverter(random: random)
        case .attributes(let settings): settings.network.make(outputs: 2, random: random)
        }
    }

    /// Generator of 16 x 16 that takes no time.
    public static func tiny(average: Bool = true) throws -> ModelFixture {
        try ModelFixture(
            "dcgan", ["resolution=16", "generator.filters=4", "generator.latent.size=6"], average: average)
    }
}
