import Checkpoints
import Datasets
import FaceDatasets
import Files
import Foundation
import Imaging
import ModelTestSupport
import Models
import Provenance
import Recipes
import Synthesis
import TestSupport
import Testing
import Torch
import TorchNN

/// Tiny models, and data sets that take a second.
enum DatasetFixture {
    /// Model file in a temporary folder.
    struct Model: Sendable {
        let folder: TemporaryFolder
        let path: String

        init(folder: TemporaryFolder, path: String) { (self.folder, self.path) = (folder, path) }

        init(_ recipe: String, _ overrides: [String]) throws {
            let fixture = try ModelFixture(recipe, overrides, facts: ["dataProtocol": "square16"])
            (folder, path) = (fixture.folder, fixture.path)
        }
    }

    /// DCGAN of 16 x 16 with untrained weights.
    static let plain = Result {
        try Model("dcgan", ["resolution=16", "generator.filters=4", "generator.latent.size=6"])
    }

    /// StyleGAN2 of 16 x 16 with untrained weights.
    static let style = Result {
        try Model(
            "stylegan2",
            [
                "resolution=16", "generator.latent.size=8", "generator.wSize=8", "generator.channelBase=64",
                "discriminator.channelBase=64",
            ])
    }

    /// Untrained face network whose attributes Smiling and Male have half of the faces of `plain`.
    static let face = Result {
        let folder = try TemporaryFolder()
        let recipe = try Recipe.load("attributes", overrides: ["network.width=8", "network.depth=1"])
        let network = recipe.attributes.network.make(outputs: 2, random: RandomSource(seed: 3))
        let faces = try FaceSampler(plain.get().path).faces(seeds: Array(0..<64))
        withoutGradients {
            let images = Tensor.pictures(
                faces.flatMap(\.picture.pixels), count: 64, side: 16, on: .cpu)
            network.train(false)
            let logits = network(images.resized(toSide: recipe.resolution)).floats()
            let medians = (0..<2).map { column in (0..<64).map { logits[2 * $0 + column] }.sorted()[32] }
            if let bias = network.head.bias { bias.value.copy_(bias.value - Tensor(medians, shape: [2])) }
        }
        var checkpoint = Checkpoint(
            recipe: recipe, clock: TrainingClock(), facts: ["attributes": "Smiling Male"])
        checkpoint.add("network", network.state)
        let path = folder.file("face.safetensors")
        try checkpoint.write(to: path)
        return Model(folder: folder, path: path)
    }

    /// Plan whose candidates are not removed as duplicates: faces of untrained networks are alike.
    static func plan(_ model: String, _ folder: String, count: Int = 100) -> FaceDatasetPlan {
        var plan = FaceDatasetPlan(model: model, count: count, folder: folder)
        plan.removesDuplicates = false
        return plan
    }

    /// SHA-256 of every file below a folder, by path.
    static func digests(_ folder: String) throws -> [String: String] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder)
        var found: [String: String] = [:]
        for path in paths {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: folder + "/" + path, isDirectory: &isFolder)
            if isFolder.boolValue { continue }
            found[path] = try sha256(folder + "/" + path)
        }
        return found
    }

    static func sha256(_ path: String) throws -> String { Digest.sha256(try bytes(path)) }

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Objects of a file of JSON lines.
    static func table(_ path: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }
}
