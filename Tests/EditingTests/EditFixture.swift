import Checkpoints
import Editing
import ModelTestSupport
import Provenance
import Synthesis
import TestSupport
import Torch

/// A tiny generator, a tiny face network, and the directions that it finds, with untrained weights.
struct EditFixture {
    let model: ModelFixture
    let face: ModelFixture
    let service = FaceService()
    let loaded: FaceService.LoadedFaces

    static let styleSettings = """
        resolution: 16
        generator: {kind: stylegan2, latent: {size: 8}, channelBase: 64, maxFilters: 8, wSize: 6, mappingLayers: 2}
        """

    static func style() async throws -> EditFixture {
        try await EditFixture(ModelFixture("dcgan", settings: styleSettings))
    }

    /// Generator with a known direction.
    static func gray() async throws -> EditFixture {
        GraySettings.registerOnce()
        return try await EditFixture(ModelFixture("dcgan", settings: GraySettings.yaml))
    }

    static func dcgan() async throws -> EditFixture { try await EditFixture(.tiny()) }

    /// Conditional DCGAN with the attributes Smiling and Male, whose labels are 0 for all seeds.
    static func conditional() async throws -> EditFixture {
        try await EditFixture(
            ModelFixture(
                "conditional",
                [
                    "resolution=16", "generator.filters=4", "generator.latent.size=6",
                    "conditions.attributes=[Smiling, Male]",
                ]))
    }

    init(_ model: ModelFixture) async throws {
        self.model = model
        face = try ModelFixture(
            "attributes", ["resolution=16", "network.width=4", "network.depth=1"],
            facts: ["attributes": "Smiling Young"])
        loaded = try await service.load(model.path, precision: .fp32)
    }

    /// Settings that take little time.
    static var settings: DirectionFinder.Settings {
        var settings = DirectionFinder.Settings()
        (settings.samples, settings.calibrationFaces, settings.unsupervised) = (200, 8, 2)
        settings.logitsPerUnit = 0.02
        return settings
    }

    func directions(cache: String? = nil, logitsPerUnit: Double = 0.02) async throws -> DirectionSet {
        var settings = Self.settings
        settings.logitsPerUnit = logitsPerUnit
        return try await service.directions(of: loaded, network: face.path, settings: settings, cache: cache)
    }

    /// Finds the directions and writes them beside the model.
    func file() async throws -> DirectionFile {
        let path = try DirectionFile.path(of: model.path)
        try DirectionFile.write(try await directions(), to: path)
        return try DirectionFile.open(model.path, digest: loaded.info.digest)
    }

    /// A picture of edits, as `facegan edit` makes it.
    func picture(
        _ edits: [Edit], of sources: [LatentSource], _ layout: EditRecipe.Layout, directions: DirectionFile?,
        options: EditOptions = .init()
    ) async throws -> [UInt8] {
        let found = try await service.resolve(
            edits, of: loaded, directions: directions?.set, options: options, network: face.path)
        let origins = try await service.origins(of: loaded, from: sources, in: found.space)
        var recipe = EditRecipe(
            model: loaded, directions: directions, resolved: found.edits, space: found.space, options: options
        )
        recipe.layout = layout
        recipe = try recipe.of(sources)
        let plan = try EditPlan(origins, found.edits, recipe)
        return try await service.picture(of: plan, model: loaded, recipe: recipe).png()
    }

    /// The picture that the recipe in a picture describes.
    func replayed(_ picture: [UInt8], directions: DirectionFile?) async throws -> [UInt8] {
        let recipe = try EditRecipe(picture: picture, path: "picture")
        return try await service.replay(recipe, with: loaded, directions: directions).png()
    }
}
