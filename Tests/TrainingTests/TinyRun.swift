import Datasets
import Foundation
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// Test fixture: runs with 64 synthetic faces of 16 x 16 pixels and networks of 4 filters. A step takes milliseconds.
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

    /// Overrides that make a recipe small and disable outputs.
    static let overrides = [
        "resolution=16", "batchSize=8", "generator.maxFilters=8", "generator.latent.size=8",
        "discriminator.maxFilters=8", "training.previewCount=4",
        "training.logSteps=3", "training.scoreKimg=0", "training.metrics=swd", "training.saveMinutes=10000",
    ]
    private static let fixed = ["generator.filters=4", "discriminator.filters=4"]
    /// A fade is in progress after 7 and after 14 steps.
    private static let growing = [
        "growth.startSide=4", "growth.stableKimg=0.025", "growth.fadeKimg=0.035", "growth.batchSizes=[8, 4]",
        "discriminator.scales=1",
    ]

    static func recipe(_ name: String = "dcgan", _ overrides: [String] = []) throws -> Recipe {
        let sizes =
            switch name {
            case "progan": growing
            // The second critic has half the resolution.
            case "detail":
                Array(growing.dropLast()) + [
                    "generator.attentionSide=8", "perceptual.layers=[0]", "perceptual.minSide=4",
                ]
            case "sagan": fixed + ["generator.attentionSide=8", "discriminator.attentionSide=8"]
            case "stylegan2":
                ["generator.channelBase=64", "discriminator.channelBase=64", "generator.wSize=8"]
            case "r3gan":
                ["generator", "discriminator"].flatMap {
                    ["\($0).channelBase=128", "\($0).groupSize=4", "\($0).blocks=1"]
                }
            default: fixed
            }
        return try Recipe.load(name, overrides: Self.overrides + sizes + overrides)
    }

    /// Writes a recipe to a file.
    /// - Returns: its path.
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

    /// Opens a run and trains up to a step.
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

    /// Lines of the log of a run without the values of `machine`.
    func log(_ name: String) -> [String] {
        String(decoding: bytes(name + "/log.jsonl"), as: UTF8.self).split(separator: "\n").map {
            String($0.replacing(/,"machine":\{.*\}\}$/, with: "}"))
        }
    }

    /// Lines of the log of a run that have a key, as JSON objects.
    func records(_ name: String, with key: String) throws -> [[String: Any]] {
        try log(name).compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?[key] == nil ? nil : object
        }
    }

    func lineCount(_ name: String) -> Int { bytes(name + "/log.jsonl").count { $0 == UInt8(ascii: "\n") } }

    /// Names of the saved states of a run.
    func states(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder(name) + "/checkpoints")
            .filter { $0.hasSuffix(".safetensors") }.sorted()
    }

    /// Expects two runs to have the same states, byte for byte, and the same log.
    func expectEqual(_ a: String, _ b: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try states(a) == states(b), sourceLocation: sourceLocation)
        for name in try states(a) {
            let (first, second) = (bytes("\(a)/checkpoints/\(name)"), bytes("\(b)/checkpoints/\(name)"))
            #expect(!first.isEmpty && first == second, "\(name) differs", sourceLocation: sourceLocation)
        }
        #expect(!log(a).isEmpty && log(a) == log(b), sourceLocation: sourceLocation)
    }
}

/// A batch of gray pictures, for trainers without a store.
func grayBatch(_ recipe: Recipe, level: UInt8 = 100, count: Int? = nil) -> ImageBatch {
    let count = count ?? recipe.batchSize
    return ImageBatch(
        pixels: [UInt8](repeating: level, count: count * recipe.resolution * recipe.resolution * 3),
        count: count, size: recipe.resolution)
}

/// Faults that tests inject between two steps of a run.
enum Faults {
    typealias Fault = @Sendable (any Trainer) -> Void

    /// Sets the weights of the discriminator to NaN before a step, in the first `attempts` attempts.
    static func nan(atStep step: Int, attempts: Int = 1) -> Fault {
        { trainer in
            guard trainer.clock.steps == step - 1, trainer.recoveries.all.count < attempts else { return }
            change(discriminator(trainer)) { $0.fill_(.nan) }
        }
    }

    /// Scales the last layer of the generator so that its tanh is saturated.
    static func saturation(fromStep step: Int) -> Fault {
        { trainer in
            guard trainer.clock.steps == step - 1, let last = generator(trainer).parameters.last else {
                return
            }
            withoutGradients { last.parameter.value.multiply_(1e9) }
        }
    }

    /// Makes generated pictures diverse at first, and equal in a range of steps.
    static func collapse(fromStep step: Int, toStep end: Int = .max) -> Fault {
        { trainer in
            let weights = generator(trainer).parameters.map(\.parameter.value)
            guard let first = weights.first, let last = weights.last else { return }
            withoutGradients {
                if trainer.clock.steps == 0 { last.multiply_(50) }
                if (step - 1..<end).contains(trainer.clock.steps) { first.multiply_(0) }
            }
        }
    }

    /// Increases the weights of the critic, and thereby its gradient, before a step.
    static func steepness(atStep step: Int) -> Fault {
        { trainer in
            guard trainer.clock.steps == step - 1 else { return }
            change(discriminator(trainer)) { $0.multiply_(1.3) }
        }
    }

    static func generator(_ trainer: any Trainer) -> Module { trainer.networks[0].network }
    static func discriminator(_ trainer: any Trainer) -> Module { trainer.networks[1].network }

    private static func change(_ network: Module, _ body: (Tensor) -> Void) {
        withoutGradients {
            for (key, parameter) in network.parameters where key.hasSuffix("weight") { body(parameter.value) }
        }
    }
}

extension TinyRun {
    /// Opens a run and trains up to a step, with an injected fault.
    @discardableResult
    func train(_ name: String, _ recipe: Recipe, steps: Int, fault: @escaping Faults.Fault) throws
        -> TrainingRun
    {
        let run = try open(name, recipe)
        run.beforeStep = fault
        #expect(try run.run(until: .init(steps: steps), output: nil, isCancelled: { false }) == .finished)
        return run
    }

    /// Problems in the log of a run, in order; " over" marks the end of one.
    func diagnoses(_ name: String) throws -> [String] {
        try records(name, with: "diagnosis").map {
            ($0["diagnosis"] as? String ?? "") + ($0["resolved"] == nil ? "" : " over")
        }
    }
}
