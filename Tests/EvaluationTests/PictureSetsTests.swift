import Checkpoints
import Datasets
import Evaluation
import Foundation
import Imaging
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct PictureSetsTests {
    static func write(_ place: TemporaryFolder, _ folder: String, side: Int, jpeg: Bool) throws -> String {
        let path = place.file(folder)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let source = try SourceOpener.open("builtin:12")
        for index in 0..<12 {
            let picture = try DataProtocol.parse("faces64").apply(source.picture(at: index)).resized(
                width: side, height: side, filter: .box)
            let bytes = try jpeg ? PictureEncoder.jpeg(picture, quality: 80) : PictureEncoder.png(picture)
            try Data(bytes).write(to: URL(fileURLWithPath: path + "/\(100 + index).\(jpeg ? "jpg" : "png")"))
        }
        return path
    }

    /// Files that already have a sample's size are taken as they are, under the protocol of the other side.
    @Test func samplesKeepTheirPixels() throws {
        let place = try TemporaryFolder()
        let folder = try Self.write(place, "png", side: 64, jpeg: false)
        var options = PictureSets.Options()
        options.suggested = try .parse("celeba64-178")
        let set = try PictureSets.open(folder, options)
        #expect(set.count == 12 && set.data.name == "celeba64-178" && set.warnings.isEmpty)
        let first = try PictureDecoder.decode(
            [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/100.png")))
        ).picture
        #expect(set.pixels(0..<1) == first.rgb().pixels)
    }

    @Test func smallJPEGsAreFlagged() throws {
        let place = try TemporaryFolder()
        let set = try PictureSets.open(Self.write(place, "jpeg", side: 64, jpeg: true), .init())
        #expect(set.warnings.count == 1 && set.warnings[0].contains("JPEG"))
    }

    @Test func limitsSpreadEvenly() throws {
        let place = try TemporaryFolder()
        let folder = try Self.write(place, "png", side: 64, jpeg: false)
        var options = PictureSets.Options()
        options.count = 4
        let (few, all) = (try PictureSets.open(folder, options), try PictureSets.open(folder, .init()))
        #expect(few.count == 4 && few.contentHash != all.contentHash)
        #expect((0..<4).allSatisfy { few.pixels($0..<($0 + 1)) == all.pixels((3 * $0)..<(3 * $0 + 1)) })
    }

    @Test func modelsDrawTheirSeeds() throws {
        let place = try TemporaryFolder()
        let recipe = try Recipe.load(
            "dcgan", overrides: ["resolution=16", "generator.filters=4", "generator.latent.size=8"])
        let generator = recipe.adversarial.generator.make(resolution: 16, random: RandomSource(seed: 1))
        var model = Checkpoint(recipe: recipe, facts: ["dataProtocol": "faces16"])
        model.add("generator", generator.state)
        try model.write(to: place.file("model.safetensors"))
        var options = PictureSets.Options()
        (options.count, options.firstSeed) = (70, 5)
        let set = try PictureSets.open(place.file("model.safetensors"), options)
        #expect(set.count == 70 && set.data.name == "faces16" && set.drawn?.seeds == 5...74)
        options.firstSeed = 6
        let later = try PictureSets.open(place.file("model.safetensors"), options)
        #expect(set.contentHash != later.contentHash)
        #expect(set.pixels(1..<2) == later.pixels(0..<1), "seed 6 is seed 6")
    }

    @Test func modelsOfUnknownPicturesAreRefused() throws {
        let place = try TemporaryFolder()
        let recipe = try Recipe.load("dcgan", overrides: ["resolution=16", "generator.filters=4"])
        var model = Checkpoint(recipe: recipe)
        model.add(
            "generator",
            recipe.adversarial.generator.make(resolution: 16, random: RandomSource(seed: 1)).state)
        try model.write(to: place.file("model.safetensors"))
        #expect(throws: CheckpointError.self) {
            try PictureSets.open(place.file("model.safetensors"), .init())
        }
    }
}
