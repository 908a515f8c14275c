import Datasets
import Foundation
import Models
import Recipes
import TestSupport
import Testing
import Torch
import Training

/// Runs of 64 drawn faces of 16 x 16 pixels through networks of 4 filters: a step takes milliseconds.
final class TinyRun {
    let place: TemporaryFolder
    let store: FaceStore

    init(side: Int = 16, seed: UInt64 = 0) throws {
        place = try TemporaryFolder()
        let path = place.file("faces.faces")
        _ = try StorePreparation.prepare(
            source: SourceOpener.open("builtin:64@\(seed)"), protocol: DataProtocol.parse("faces\(side)"),
            to: path)
        store = try FaceStore(path: path)
    }

    /// What a test leaves out of a recipe, or makes small.
    static let overrides = [
        "resolution=16", "batchSize=8", "generator.maxFilters=8", "generator.latent.size=8",
        "discriminator.maxFilters=8", "training.previewCount=4",
        "training.logSteps=3", "training.scoreKimg=0", "training.metrics=swd", "training.saveMinutes=10000",
    ]
    private static let fixed = ["generator.filters=4", "discriminator.filters=4"]
    /// After 7 steps a side is fading in, after 14 another one.
    private static let growing = [
        "growth.startSide=4", "growth.stableKimg=0.025", "growth.fadeKimg=0.035", "growth.batchSizes=[8, 4]",
        "discriminator.scales=1",
    ]

    static func recipe(_ name: String = "dcgan", _ overrides: [String] = []) throws -> Recipe {
        let sizes =
            switch name {
            case "progan": growing
            // The second critic sees half the side.
            case "detail":
                Array(growing.dropLast()) + [
                    "generator.attentionSide=8", "perceptual.layers=[0]", "perceptual.minSide=4",
                ]
            case "sagan": fixed + ["generator.attentionSide=8", "discriminator.attentionSide=8"]
            default: fixed
            }
        return try Recipe.load(name, overrides: Self.overrides + sizes + overrides)
    }

    /// A recipe in a file of its own, for settings that the recipe's other kinds do not have.
    func write(_ recipe: Recipe) throws -> String { try place.write(recipe.yaml, to: "\(recipe.name).yaml") }

    func folder(_ name: String) -> String { place.file(name) }

    /// Opens a run in the folder `name`.
    func open(
        _ name: String, _ recipe: Recipe, seed: UInt64? = nil, precision: Precision = .fp32,
        start: String? = nil, restart: Bool = false
    ) throws -> TrainingRun {
        try TrainingRun(
            recipe: recipe, store: store, data: store.path, folder: folder(name), seed: seed,
            precision: precision, start: start, restart: restart)
    }

    /// Opens it and trains to a step.
    @discardableResult
    func train(_ name: String, _ recipe: Recipe, steps: Int, precision: Precision = .fp32) throws
        -> TrainingRun
    {
        let run = try open(name, recipe, precision: precision)
        let outcome = try run.run(until: .init(steps: steps), output: nil, isCancelled: { false })
        #expect(outcome == .finished)
        return run
    }

    func bytes(_ path: String) -> [UInt8] {
        FileManager.default.contents(atPath: place.file(path)).map { Array($0) } ?? []
    }

    /// The lines of a run's log without what depends on the machine.
    func log(_ name: String) -> [String] {
        String(decoding: bytes(name + "/log.jsonl"), as: UTF8.self).split(separator: "\n").map {
            String($0.replacing(/,"machine":\{.*\}\}$/, with: "}"))
        }
    }

    /// The lines of a run's log that have a key, as JSON.
    func records(_ name: String, with key: String) throws -> [[String: Any]] {
        try log(name).compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?[key] == nil ? nil : object
        }
    }

    func lineCount(_ name: String) -> Int { bytes(name + "/log.jsonl").count { $0 == UInt8(ascii: "\n") } }

    /// The states in a run's folder.
    func states(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder(name) + "/checkpoints")
            .filter { $0.hasSuffix(".safetensors") }.sorted()
    }

    /// Expects two runs to be one: the same states byte for byte, the same log.
    func expectEqual(_ a: String, _ b: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try states(a) == states(b), sourceLocation: sourceLocation)
        for name in try states(a) {
            let (first, second) = (bytes("\(a)/checkpoints/\(name)"), bytes("\(b)/checkpoints/\(name)"))
            #expect(!first.isEmpty && first == second, "\(name) differs", sourceLocation: sourceLocation)
        }
        #expect(!log(a).isEmpty && log(a) == log(b), sourceLocation: sourceLocation)
    }
}

/// A batch of one gray level, for trainers without a store.
func grayBatch(_ recipe: Recipe, level: UInt8 = 100, count: Int? = nil) -> ImageBatch {
    let count = count ?? recipe.batchSize
    return ImageBatch(
        pixels: [UInt8](repeating: level, count: count * recipe.resolution * recipe.resolution * 3),
        count: count, size: recipe.resolution)
}
