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
        let names = listed.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map(String.init)
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

    /// Networks of every recipe: pictures of the right shape from the generator, one logit each from the other.
    @Test(arguments: files)
    func itsNetworksFitTogether(name: String) throws {
        let recipe = try Recipe.load(name)
        let random = RandomSource(seed: 0)
        let generator = recipe.generator.make(resolution: recipe.resolution, random: random)
        let discriminator = recipe.discriminator.make(resolution: recipe.resolution, random: random)
        withoutGradients {
            let images = generator(recipe.generator.latent.sample(2, random: random))
            #expect(images.shape == [2, 3, recipe.resolution, recipe.resolution])
            #expect(images.abs().max().item() <= 1)
            #expect(discriminator(images).shape == [2])
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
