import FaceGAN
import Foundation
import TestSupport
import Testing

@Suite struct RecipesTests {
    static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: packageRoot() + "/Recipes"))?
        .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted() ?? []

    /// The program knows the files in Recipes/, all of them and as they are.
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
        // What is shown can be saved and trained.
        let shown = try Command.run("recipes", name)
        let folder = try TemporaryFolder()
        #expect(try Recipe.load(folder.write(shown.output, to: "copy.yaml")) == recipe)
        #expect(try Recipe.load(folder.write(recipe.yaml, to: "full.yaml")) == recipe)
    }

    /// Whatever a file offers can be had, and is complete.
    @Test(arguments: files)
    func itsPresetsAreSound(name: String) throws {
        let text = try #require(Recipe.library.first { $0.name == name }).text
        let plain = try Recipe.load(name)
        for preset in try SettingsDocument.presets(yaml: text, path: name) {
            let recipe = try Recipe.load(name, preset: preset)
            #expect(recipe != plain && recipe.name == name)
            #expect(!recipe.yaml.contains("presets"))
        }
        if plain.task != .attributes {
            _ = try Recipe.load(name, preset: "small")
        }
    }

    /// A critic's weight can be set to 0 and back, whatever else the file says of the critic.
    @Test(arguments: ["dfl", "superres"])
    func criticsCanBeLeftOut(name: String) throws {
        let without = try Recipe.load(name, preset: "small", overrides: ["phases.adversarialWeight=0"])
        let folder = try TemporaryFolder()
        let path = try folder.write(without.yaml, to: "without.yaml")
        let again = try Recipe.load(path, overrides: ["phases.adversarialWeight=0.1"])
        #expect(try again.critic == Recipe.load(name, preset: "small").critic)
    }

    /// Whatever sides a user asks for, the answer is an error or a recipe.
    @Test(arguments: files)
    func oddSidesAreRefused(name: String) throws {
        for side in ["65", "0", "-8", "2048", "12"] {
            let error = #expect(throws: SettingsError.self) {
                try Recipe.load(name, overrides: ["resolution=\(side)"])
            }
            #expect("\(try #require(error))".contains("resolution"))
        }
    }

    /// Attention that no block can have, or that its channels do not divide, is named before anything is built.
    @Test func attentionNeedsItsMaps() throws {
        for (name, overrides, message) in [
            ("sagan", ["generator.attentionSide=33"], "generator.attentionSide"),
            ("sagan", ["discriminator.filters=10"], "8 divides (here 20)"),
            ("detail", ["resolution=16", "growth.startSide=8"], "generator.attentionSide"),
        ] {
            let error = #expect(throws: SettingsError.self) { try Recipe.load(name, overrides: overrides) }
            #expect("\(try #require(error))".contains(message), "\(error!)")
        }
    }

    /// Networks of every recipe: pictures of the right shape from the generator, one logit each from the other.
    @Test(arguments: files)
    func itsNetworksFitTogether(name: String) throws {
        let recipe = try Recipe.load(name)
        let random = RandomSource(seed: 0)
        guard recipe.task != .restoration, recipe.task != .conversion else {
            return expectPicturesOfPictures(recipe, random)
        }
        let generator = recipe.makeGenerator(random: random)
        let discriminator = recipe.makeDiscriminator(random: random)
        let names = recipe.conditions.attributes
        let sampler = LatentSampler(
            recipe.generator.latent,
            labels: names.isEmpty
                ? nil : LabelRows(names: names, values: names.map { _ in 1 }))
        withoutGradients {
            let images = generator(sampler.sample(2, random: random))
            #expect(images.shape == [2, 3, recipe.resolution, recipe.resolution])
            #expect(discriminator(images).shape[0] == 2)
        }
    }

    /// The same of networks that take pictures.
    private func expectPicturesOfPictures(_ recipe: Recipe, _ random: RandomSource) {
        let side = recipe.resolution
        let shape = [2, 3, side, side]
        if recipe.task == .restoration {
            let small = side / recipe.input.enlargement
            let restorer = recipe.makeRestorer(random: random)
            let critic = recipe.critic.make(resolution: side, random: random)
            let made = withoutGradients { restorer(Tensor.zeros([2, 3, small, small])) }
            #expect(made.shape == shape)
            #expect(critic(made, labels: nil).logits.shape[0] == 2)
        } else {
            let converter = recipe.makeConverter(random: random)
            let critic = recipe.makeConverterCritic(random: random)
            let labels = Tensor.zeros([2, recipe.conditions.attributes.count])
            let made = withoutGradients { converter(Tensor.zeros(shape), changes: labels) }
            #expect(made.shape == shape)
            #expect(critic(made, labels: nil).logits.shape[0] == 2)
        }
    }

    /// Every field has a word of help, and a recipe can be written from the list.
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
