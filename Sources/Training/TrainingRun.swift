import Checkpoints
import Console
import Datasets
import Files
import Foundation
import Settings
import Torch

/// A run in a folder: trains, writes logs, previews and states, and goes on exactly where it was stopped or killed.
public final class TrainingRun {
    /// How a session ended.
    public enum Outcome: Sendable, Equatable {
        /// The run has all the images or steps that were asked for.
        case finished
        /// This session's minutes are over; more can follow.
        case outOfTime
        /// Somebody asked to stop; the state is saved.
        case interrupted
    }

    public let directory: RunDirectory
    public let trainer: AdversarialTrainer
    public let record: RunRecord
    public let store: FaceStore
    /// Where the run goes on; nil for one that begins.
    public let resumedAt: TrainingClock?
    /// What the user should know, such as that a damaged state was passed over.
    public private(set) var notes: [String] = []
    private let subset: [Int]?

    /// Opens or begins a run.
    /// - Parameters:
    ///   - data: how the pictures were named, for the record.
    ///   - precision: `.auto` takes what a run in the folder has.
    ///   - seed: nil takes what a run in the folder has, else 0.
    ///   - restart: removes a run in the folder first.
    public init(
        recipe: Recipe, store: FaceStore, data: String, folder: String, seed: UInt64? = nil,
        device: Device = .cpu,
        precision: Precision = .auto, restart: Bool = false
    ) throws {
        directory = try RunDirectory(folder)
        self.store = store
        let known = !restart && RunDirectory.holdsRun(folder) ? try RunRecord(folder: folder) : nil
        let precision =
            precision == .auto
            ? known.flatMap { Precision(rawValue: $0.precision) } ?? precision.resolved(for: device)
            : precision
        record = RunRecord(
            data: data, contentHash: store.contentHash, dataProtocol: store.data.name,
            protocolHash: store.data.hash,
            seed: seed ?? known?.seed ?? 0, precision: precision.rawValue, device: "\(device)",
            threads: Engine.threadCount, engine: Engine.version)
        guard store.size == recipe.resolution else {
            throw TrainingError.refused(
                "the pictures are \(store.size) pixels wide (protocol \(store.data.name)), the recipe's resolution is"
                    + " \(recipe.resolution): pack them again, or --set resolution=\(store.size)")
        }
        switch recipe.data.split {
        case .all: subset = nil
        case .train: subset = store.indices(of: .train)
        case .validation: subset = store.indices(of: .validation)
        case .test: subset = store.indices(of: .test)
        }
        if let subset, subset.isEmpty {
            throw TrainingError.refused(
                "\(data) has no pictures in its \(recipe.data.split.rawValue) part (data.split)")
        }
        trainer = AdversarialTrainer(recipe: recipe, seed: record.seed, device: device, precision: precision)
        var notes: [String] = []
        if let known {
            var differences = known.differences(from: record)
            let stored: Recipe = try SettingsDocument.decode(file: directory.recipePath)
            for change in SettingsDocument.changes(from: stored, to: recipe) where change.key != "about" {
                if change.key.hasPrefix("training.") {
                    notes.append("\(change)")
                } else {
                    differences.append("\(change)")
                }
            }
            guard differences.isEmpty else {
                throw TrainingError.otherRun(folder: folder, differences: differences)
            }
            if known.threads != record.threads || known.engine != record.engine
                || known.device != record.device
            {
                notes.append(
                    "the run began on \(known.device) with \(known.threads) threads and libtorch \(known.engine): "
                        + "it goes on, but not to the last bit")
            }
        } else if restart {
            try directory.clear()
        }
        let resumed = try Self.resume(trainer, from: directory, notes: &notes)
        resumedAt = resumed
        self.notes = notes
        if known == nil {
            try AtomicFile.write(Array(recipe.yaml.utf8), to: directory.recipePath)
            // Last, because it makes the folder a run.
            try record.write(to: directory.recordPath)
        } else {
            try AtomicFile.write(Array(recipe.yaml.utf8), to: directory.recipePath)
        }
    }

    private static func resume(
        _ trainer: AdversarialTrainer, from directory: RunDirectory, notes: inout [String]
    ) throws -> TrainingClock? {
        let states = directory.states
        for path in states {
            do {
                try trainer.restore(try Checkpoint(path: path))
                return trainer.clock
            } catch {
                notes.append("passed over a state that cannot be used: \(error)")
            }
        }
        if !states.isEmpty {
            throw TrainingError.refused(
                "\(directory.checkpointsPath): none of the saved states can be used:\n  "
                    + notes.joined(separator: "\n  ") + "\nBegin anew with --restart.")
        }
        return nil
    }

    /// Trains until the recipe's length, or a limit that comes first.
    /// - Parameters:
    ///   - output: where progress goes; nil for silence.
    ///   - isCancelled: asked between steps; then the state is saved.
    /// - Throws: `TrainingError.diverged` with the last good state kept; `FileError` when the disk is full.
    @discardableResult
    public func run(
        until limit: TrainingLimit = .init(), output: ConsoleOutput? = .standardError,
        isCancelled: () -> Bool = { Interrupt.isRequested }
    ) throws -> Outcome {
        let session = try TrainingSession(run: self, limit: limit, subset: subset, output: output)
        return try session.run(isCancelled: isCancelled)
    }
}
