import FaceGAN
import Foundation
import TestSupport
import Testing

@Suite struct RecipesTests {
    static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: packageRoot() + "/Recipes"))?
        .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted() ?? []

    /// The embedded recipes equal the files in Recipes/.
    @Test func theListIsTheFolder() throws {
        #expect(Self.files.count >= 2)
        #expect(Recipe.library.map(\.name).sorted() == Self.files)
        let listed = try Command.run("recipes")
        let names = listed.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map {
            String($0.prefix { $0 != " " })
        }
        #expect(names.sorted() == Self.files)
        for known in Recipe.library {
            #expect(
                known.text
                    == (try String(
                        contentsOfFile: packageRoot() + "/Recipes/\(known.name).yaml", encoding: .utf8)))
        }
    }

    @Test(arguments: files)
    func isSound(name: String) throws {
        let recipe = try Recipe.load(name)
        #expect(recipe.name == name, "a recipe's name is its file's")
        #expect(recipe.about.hasSuffix("."))
        // The output is a valid recipe.
        let shown = try Command.run("recipes", name)
        let folder = try TemporaryFolder()
        #expect(try Recipe.load(folder.write(shown.output, to: "copy.yaml")) == recipe)
        #expect(try Recipe.load(folder.write(recipe.yaml, to: "full.yaml")) == recipe)
    }

    /// Every preset of every recipe is valid and complete.
    @Test(arguments: files)
    func itsPresetsAreSound(name: String) throws {
        let text = try #require(Recipe.library.first { $0.name == name }).text
        let plain = try Recipe.load(name)
        for preset in try SettingsDocument.presets(yaml: text, path: name) {
            let recipe = try Recipe.load(name, preset: preset)
            #expect(recipe != plain && recipe.name == name)
            #expect(!recipe.yaml.contains("presets"))
        }
        if plain.system.kind != .attributes {
            _ = try Recipe.load(name, preset: "small")
        }
    }

    /// The weight of a critic can be set to 0 and back, independent of its other settings.
    @Test(arguments: ["dfl", "superres"])
    func criticsCanBeLeftOut(name: String) throws {
        let without = try Recipe.load(name, preset: "small", overrides: ["phases.adversarialWeight=0"])
        let folder = try TemporaryFolder()
        let path = try folder.write(without.yaml, to: "without.yaml")
        let again = try Recipe.load(path, overrides: ["phases.adversarialWeight=0.1"])
        #expect(try again.restoration.critic == Recipe.load(name, preset: "small").restoration.critic)
    }

    /// Every resolution gives an error or a recipe.
    @Test(arguments: files)
    func oddSidesAreRefused(name: String) throws {
        for side in ["65", "0", "-8", "2048", "12"] {
            let error = #expect(throws: SettingsError.self) {
                try Recipe.load(name, overrides: ["resolution=\(side)"])
            }
            #expect("\(try #require(error))".contains("resolution"))
        }
    }

    /// Attention at an invalid resolution or with invalid channels is an error of the recipe.
    @Test func attentionNeedsItsMaps() throws {
        for (name, overrides, message) in [
            ("sagan", ["generator.attentionSide=33"], "generator.attentionSide"),
            ("sagan", ["discriminator.filters=10"], "a multiple of 8 (here 20)"),
            ("detail", ["resolution=16", "growth.startSide=8"], "generator.attentionSide"),
        ] {
            let error = #expect(throws: SettingsError.self) { try Recipe.load(name, overrides: overrides) }
            #expect("\(try #require(error))".contains(message), "\(error!)")
        }
    }

    /// The networks of every recipe have matching shapes.
    @Test(arguments: files)
    func itsNetworksFitTogether(name: String) throws {
        let recipe = try Recipe.load(name)
        let random = RandomSource(seed: 0)
        let side = recipe.resolution
        let shape = [2, 3, side, side]
        switch recipe.system {
        case .adversarial(let settings):
            let generator = settings.makeGenerator(resolution: side, random: random)
            let discriminator = settings.makeDiscriminator(resolution: side, random: random)
            let names = settings.conditions.attributes
            let rows = names.isEmpty ? nil : LabelRows(names: names, values: names.map { _ in 1 })
            let sampler = LatentSampler(settings.generator.latent, labels: rows)
            withoutGradients {
                let images = generator(sampler.sample(2, random: random))
                #expect(images.shape == shape)
                #expect(discriminator(images).shape[0] == 2)
            }
        case .attributes(let settings):
            let network = settings.network.make(outputs: 40, random: random)
            #expect(withoutGradients { network(Tensor.zeros(shape)) }.shape == [2, 40])
        case .restoration(let settings):
            let small = side / settings.input.enlargement
            let restorer = settings.makeRestorer(resolution: side, random: random)
            let critic = settings.critic.make(resolution: side, random: random)
            let made = withoutGradients { restorer(Tensor.zeros([2, 3, small, small])) }
            #expect(made.shape == shape)
            #expect(critic(made, labels: nil).logits.shape[0] == 2)
        case .conversion(let settings):
            let converter = settings.makeConverter(random: random)
            let critic = settings.makeCritic(resolution: side, random: random)
            let labels = Tensor.zeros([2, settings.conditions.attributes.count])
            let made = withoutGradients { converter(Tensor.zeros(shape), changes: labels) }
            #expect(made.shape == shape)
            #expect(critic(made, labels: nil).logits.shape[0] == 2)
        }
    }

    /// Every field has help, and the list gives a valid recipe.
    @Test func fieldsAreListed() throws {
        let result = try Command.run("recipes", "--fields")
        for field in ["batchSize = 128 (2...65536)", "generator.filters = 64", "loss.kind = "] {
            #expect(result.output.contains(field), "\(result.output)")
        }
        for field in try SettingsDocument.reference(Recipe.self) {
            #expect(!field.help.isEmpty, "\(field.key)")
        }
    }
}
