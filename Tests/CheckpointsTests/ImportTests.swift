import Checkpoints
import Foundation
import ModelTestSupport
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN

/// Checkpoints of PyTorch programs, from Tests/Goldens/make_import.py.
@Suite struct ImportTests {
    let folder: TemporaryFolder
    let recipe: Recipe

    init() throws {
        folder = try TemporaryFolder()
        recipe = try Recipe.load("dcgan")
    }

    private func file(_ name: String) -> String { goldens("Import/" + name) }

    /// Model of an import, through its file.
    private func model(_ found: PyTorchImport, _ weights: ModelWeights = .average) throws -> GeneratorModel {
        let path = folder.file("model.safetensors")
        try #require(found.checkpoint, "\(found.report.joined(separator: "\n"))").write(to: path)
        return try GeneratorModel(path, weights: weights)
    }

    /// Largest difference between the pictures of a model and PyTorch's.
    private func difference(_ model: GeneratorModel, _ expected: String = "expected") throws -> Double {
        let known = try TensorFile.read(file(expected + ".safetensors")).tensors
        let tensors = Dictionary(uniqueKeysWithValues: known.map { ($0.name, $0.tensor) })
        let (latents, pictures) = (try #require(tensors["latents"]), try #require(tensors["pictures"]))
        let drawn = withoutGradients { model.generator(Latents(latents)) }
        #expect(drawn.shape == pictures.shape)
        return Double((drawn - pictures).abs().max().item())
    }

    static let spellings =
        [
            "generator", "netG", "netG_state_dict", "model_state_dict", "lightning", "nested", "ema", "list",
            "legacy", "module-module", "orig-mod", "module-orig-mod", "prefix-generator", "sequential",
            "net-0",
            "counters", "swa", "g_running", "alphabetical", "named", "grouped", "blocks", "underscores",
            "no-counts", "double", "parameters",
        ].map { $0 + ".pth" } + ["layers.safetensors"]

    /// Every spelling of the same weights draws PyTorch's pictures, with the sizes of the file.
    @Test(arguments: spellings)
    func spellingsAreUnderstood(name: String) throws {
        let found = try PyTorchImport(path: file(name), recipe: recipe)
        #expect(found.network == .generator)
        #expect(found.recipe.resolution == 16)
        #expect(found.recipe.adversarial.generator.latent.size == 5)
        #expect(found.recipe.adversarial.generator[DCGANSettings.self].filters == 4)
        #expect(try difference(model(found)) < 1e-5)
        #expect(found.report.count <= 20)
        #expect(found.report.contains { $0.contains("resolution 16") && $0.contains("filters 4") })
    }

    /// The discriminator of the same checkpoint is imported, with its own sizes.
    @Test(arguments: ["generator", "netG", "lightning", "nested", "ema", "list", "legacy"])
    func discriminatorsAreImportedToo(name: String) throws {
        let found = try PyTorchImport(path: file(name + ".pth"), recipe: recipe)
        let checkpoint = try #require(found.checkpoint)
        let alone = try PyTorchImport(path: file("other-discriminator.pth"), recipe: recipe)
        #expect(alone.network == .discriminator)
        let expected = try #require(alone.checkpoint).section("discriminator")
        let section = checkpoint.section("discriminator")
        #expect(section.map(\.key) == expected.map(\.key) && !section.isEmpty)
        for (a, b) in zip(section, expected) {
            #expect(a.tensor.to(.float32).floats() == b.tensor.to(.float32).floats())
        }
        #expect(found.recipe.adversarial.discriminator[DCGANSettings.self].filters == 3)
    }

    /// The moving average is preferred, the raw weights are kept, and a key selects one of them.
    @Test func movingAveragesArePreferred() throws {
        let found = try PyTorchImport(path: file("ema.pth"), recipe: recipe)
        #expect(found.report.contains { $0.contains("`g_ema` is the moving average") })
        #expect(try difference(model(found, .average)) < 1e-5)
        #expect(try difference(model(found, .raw)) > 1e-3)
        let raw = try PyTorchImport(path: file("ema.pth"), recipe: recipe, key: "g")
        #expect(try difference(model(raw)) > 1e-3)
        let average = try PyTorchImport(path: file("ema.pth"), recipe: recipe, key: "g_ema")
        #expect(try difference(model(average)) < 1e-5)
        #expect(average.checkpoint?.section("discriminator").isEmpty == false)
    }

    @Test func severalGeneratorsNeedAKey() throws {
        let error = #expect(throws: CheckpointError.self) {
            try PyTorchImport(path: file("other-two.pth"), recipe: recipe)
        }
        #expect("\(error as Any)".contains("G_A, G_B") && "\(error as Any)".contains("--key G_A"))
        let found = try PyTorchImport(path: file("other-two.pth"), recipe: recipe, key: "G_A")
        #expect(try difference(model(found)) < 1e-5)
        #expect(throws: CheckpointError.self) {
            try PyTorchImport(path: file("other-two.pth"), recipe: recipe, key: "G_C")
        }
    }

    /// A bias before batch normalization is the same as another running mean.
    @Test func biasesBeforeNormalizationAreFolded() throws {
        let found = try PyTorchImport(path: file("biases.pth"), recipe: recipe)
        #expect(try difference(model(found), "expected-biases") < 1e-5)
    }

    @Test func otherFilesAreRefusedWithTheirCause() throws {
        let gray = try PyTorchImport(path: file("other-gray.pth"), recipe: recipe)
        #expect(gray.checkpoint == nil && gray.network == .generator)
        #expect(gray.report.last?.contains("1 color") == true)
        #expect(gray.mismatch.misshaped.map(\.key) == ["main.6.weight"])

        let classifier = try PyTorchImport(path: file("other-classifier.pth"), recipe: recipe)
        #expect(classifier.checkpoint == nil && classifier.report.count <= 20)
        #expect(classifier.report.first == "no network of the recipe dcgan has these layers")

        let wrong = try PyTorchImport(
            path: file("netG.pth"), recipe: recipe, network: .generator, key: "netD")
        #expect(wrong.checkpoint == nil && wrong.network == .discriminator)
        #expect(wrong.report.last?.contains("holds a discriminator, not a generator") == true)

        let fixed = try Recipe.load("dcgan", overrides: ["generator.filters=8"])
        let sized = try PyTorchImport(
            path: file("netG.pth"), recipe: fixed, key: "netG", fixed: ["generator.filters"])
        #expect(sized.checkpoint == nil && sized.network == .generator)
        #expect(sized.report.last?.contains("generator.filters 4") == true)

        let error = #expect(throws: CheckpointError.self) {
            try PyTorchImport(path: file("other-optimizer.pth"), recipe: recipe)
        }
        #expect("\(error as Any)".contains("no weights of a network"))
    }

    /// Sizes of every family are found in the shapes, for both networks.
    @Test(arguments: [
        (
            "dcgan",
            ["resolution=32", "generator.filters=6", "generator.maxFilters=12", "discriminator.filters=5"]
        ),
        (
            "dcgan-dense",
            ["resolution=16", "generator.filters=3", "discriminator.filters=2", "generator.latent.size=7"]
        ),
        (
            "wgan-gp",
            [
                "resolution=16", "generator.filters=4", "discriminator.filters=6",
                "discriminator.normalization=layer",
            ]
        ),
        (
            "wgan-gp",
            ["resolution=32", "generator.filters=4", "discriminator.pooling=sum", "discriminator.filters=4"]
        ),
        (
            "sagan",
            ["resolution=64", "generator.filters=8", "discriminator.filters=8", "generator.latent.size=9"]
        ),
        (
            "progan",
            [
                "resolution=32", "generator.channelBase=128", "generator.maxFilters=16",
                "discriminator.channelBase=256",
                "discriminator.maxFilters=16", "generator.latent.size=6", "discriminator.deviationGroup=0",
            ]
        ),
        (
            "conditional",
            ["resolution=16", "generator.filters=4", "discriminator.filters=6", "generator.latent.size=9"]
        ),
    ])
    func sizesOfFamiliesAreFound(name: String, overrides: [String]) throws {
        let sized = try Recipe.load(name, overrides: overrides)
        let settings = sized.adversarial
        let generator = settings.makeGenerator(resolution: sized.resolution, random: RandomSource(seed: 1))
        let discriminator = settings.makeDiscriminator(
            resolution: sized.resolution, random: RandomSource(seed: 2))
        let path = folder.file("both.safetensors")
        try TensorFile.write(
            path,
            tensors: generator.state.map { ("netG.module." + $0.key, $0.tensor) }
                + discriminator.state.map { ("netD." + $0.key, $0.tensor) })
        let found = try PyTorchImport(path: path, recipe: Recipe.load(name))
        let checkpoint = try #require(found.checkpoint, "\(found.report)")
        #expect(found.recipe.resolution == sized.resolution)
        #expect(found.recipe.adversarial.generator.latent == settings.generator.latent)
        for (section, module) in [("generator", generator as Module), ("discriminator", discriminator)] {
            let tensors = checkpoint.section(section)
            #expect(tensors.map(\.key) == module.state.map(\.key), "\(found.report)")
            for (a, b) in zip(tensors, module.state) {
                #expect(
                    a.tensor.shape == b.tensor.shape
                        && a.tensor.to(.float32).floats() == b.tensor.to(.float32).floats())
            }
        }
    }

    /// Shapes of strangers cannot request huge networks or overflow.
    @Test func hostileShapesAreRefused() throws {
        let huge = Int.max / 4
        for shapes in [
            [[0, huge, 4, 4], [huge, 3, 4, 4]], [[1, 1024, 4, 4], [1024, 3, 4, 4]],
            [
                [1024, 1, 4, 4], [1, 1, 4, 4], [1, 1, 4, 4], [1, 1, 4, 4], [1, 1, 4, 4], [1, 8192, 4, 4],
                [1024, 3, 4, 4],
            ],
            [[0, 0, 0, 0], [0, 0, 0, 0]], [[16, huge], [0, 3, 5, 5]],
            [[3, huge, 1, 1], [3, 0, 1, 1], [16, 4]],
        ] where shapes.allSatisfy({ !$0.contains(huge) || $0.contains(0) }) {
            let path = folder.file("hostile.safetensors")
            try TensorFile.write(
                path, tensors: shapes.enumerated().map { ("\($0).weight", Tensor.zeros($1)) })
            for name in ["dcgan", "dcgan-dense", "wgan-gp", "progan"] {
                let found = try PyTorchImport(path: path, recipe: Recipe.load(name))
                #expect(found.checkpoint == nil)
                #expect(found.report.count <= 20)
            }
        }
    }
}
