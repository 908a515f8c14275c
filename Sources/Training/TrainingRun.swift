import Checkpoints
import Console
import Datasets
import Files
import Foundation
import Recipes
import Runs
import Settings
import Torch

/// A run in a directory: trains, writes logs, previews and states, and resumes exactly after a stop or a kill.
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
    public let trainer: any Trainer
    public let record: RunRecord
    public let store: FaceStore
    /// Clock of the state that the run was resumed from; nil for a new run.
    public var resumedAt: TrainingClock? { resumed?.clock }
    /// Notes for the user, such as that a damaged state was skipped.
    public private(set) var notes: [String] = []
    let subset: [Int]?
    private(set) var resumed: Resumption?
    private var hasFailed = false
    /// Called before every step: where tests break things.
    package var beforeStep: ((any Trainer) -> Void)?

    /// The state that a session resumes from.
    struct Resumption {
        let clock: TrainingClock
        /// The best score of the run.
        let best: BestScore?
        /// What its supervisor remembers.
        let supervisor: String?
        let path: String
    }

    /// Opens or begins a run.
    /// - Parameters:
    ///   - data: how the pictures were named, for the record.
    ///   - precision: `.auto` takes what a run in the folder has.
    ///   - seed: nil takes what a run in the folder has, else 0.
    ///   - start: a run or model whose weights a new run starts from.
    ///   - restart: removes a run in the folder first.
    /// - Throws: `TrainingError`, before anything was changed.
    public init(
        recipe: Recipe, store: FaceStore, data: String, folder: String, seed: UInt64? = nil,
        device: Device = .cpu,
        precision: Precision = .auto, start: String? = nil, restart: Bool = false
    ) throws {
        self.store = store
        subset = try Self.subset(of: store, recipe, data: data)
        directory = try RunDirectory(folder)
        let known = !restart && RunDirectory.holdsRun(folder) ? try RunRecord(folder: folder) : nil
        let precision =
            precision == .auto
            ? known.flatMap { Precision(rawValue: $0.precision) } ?? precision.resolved(for: device)
            : precision
        // A run keeps the kernels that it began with.
        let kernels = known.map { $0.kernels.flatMap(Kernels.init) ?? .plain } ?? .standard
        if restart, let start, Self.isInside(directory.path, try ModelFile(start).path) {
            throw TrainingError.refused(
                "--from \(start): is in the folder that --restart removes; choose another --out")
        }
        let start = start ?? known?.start
        let startDigest =
            if let known { known.startDigest } else {
                try start.flatMap { try SafetensorsFile(path: ModelFile($0).path).digest }
            }
        record = RunRecord(
            data: data, contentHash: store.contentHash, dataProtocol: store.data.name,
            protocolHash: store.data.hash,
            seed: seed ?? known?.seed ?? 0, precision: precision.rawValue, kernels: kernels.rawValue,
            device: "\(device)", threads: Engine.threadCount, engine: Engine.version,
            start: start, startDigest: startDigest)
        var notes: [String] = []
        if let known {
            notes = try Self.changes(from: known, to: record, recipe, directory)
        } else if !restart, !directory.states.isEmpty {
            throw TrainingError.refused(
                "\(folder): there are saved states, but no run.json that says what they belong to;"
                    + " choose another --out, or begin anew with --restart, which removes them")
        }
        trainer = try recipe.trainer(
            labels: subset.map { store.labels.rows($0) } ?? store.labels, seed: record.seed, device: device,
            precision: precision,
            kernels: kernels)
        resumed = restart ? nil : try Self.resume(trainer, from: directory, notes: &notes)
        if resumed == nil, let start { notes += try Self.begin(trainer, with: start, record) }
        // Only when nothing can be refused any more.
        if restart { try directory.clear() }
        self.notes = notes
        try AtomicFile.write(Array(recipe.yaml.utf8), to: directory.recipePath)
        // Last, because it makes the folder a run.
        if known == nil { try record.write(to: directory.recordPath) }
    }

    /// The pictures that the recipe asks for; nil for all.
    private static func subset(of store: FaceStore, _ recipe: Recipe, data: String) throws -> [Int]? {
        guard store.size == recipe.resolution else {
            throw TrainingError.refused(
                "the pictures are \(store.size) pixels wide (protocol \(store.data.name)), the recipe's resolution is"
                    + " \(recipe.resolution): pack them again, or --set resolution=\(store.size)")
        }
        guard let split = recipe.data.split else { return nil }
        let subset = store.part(split)
        if subset.isEmpty {
            throw TrainingError.refused("\(data) has no pictures in its \(split.rawValue) part (data.split)")
        }
        return subset
    }

    /// What is different and may be, as notes. Throws `TrainingError.otherRun` for what may not.
    private static func changes(
        from known: RunRecord, to record: RunRecord, _ recipe: Recipe, _ directory: RunDirectory
    ) throws -> [String] {
        var notes: [String] = []
        var differences = known.differences(from: record)
        let stored: Recipe = try SettingsDocument.decode(file: directory.recipePath)
        for change in SettingsDocument.changes(from: stored, to: recipe) where change.key != "about" {
            if change.key.hasPrefix("training.") || change.key.hasPrefix("supervision.") {
                notes.append("\(change)")
            } else {
                differences.append("\(change)")
            }
        }
        guard differences.isEmpty else {
            throw TrainingError.otherRun(folder: directory.path, differences: differences)
        }
        if known.threads != record.threads || known.engine != record.engine || known.device != record.device {
            notes.append(
                "the run began on \(known.device) with \(known.threads) threads and libtorch \(known.engine): "
                    + "it is resumed, but not bit for bit")
        }
        return notes
    }

    /// Takes the weights of another run or model.
    private static func begin(
        _ trainer: any Trainer, with start: String, _ record: RunRecord
    ) throws -> [String] {
        let file = try ModelFile(start).path
        guard try SafetensorsFile(path: file).digest == record.startDigest else {
            throw TrainingError.refused(
                "\(file): other weights than those that the run was to begin with; begin it again with --restart"
            )
        }
        do { return try trainer.begin(with: file) } catch let error as CheckpointError {
            throw TrainingError.refused("--from \(start): \(error)")
        }
    }

    private static func isInside(_ folder: String, _ file: String) -> Bool {
        func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        return real(file).hasPrefix(real(folder) + "/")
    }

    /// Resumes from the newest usable state; nil if no state has been saved.
    private static func resume(
        _ trainer: any Trainer, from directory: RunDirectory, notes: inout [String]
    ) throws -> Resumption? {
        var problems: [String] = []
        for path in directory.states {
            do {
                let state = try Checkpoint(path: path)
                do { try trainer.restore(state) } catch { throw CheckpointError("\(path): \(error)") }
                notes += problems.map { "passed over a state that cannot be used: \($0)" }
                let best = state.facts[BestScore.fact].flatMap(BestScore.init)
                return Resumption(
                    clock: state.clock, best: best, supervisor: state.facts[Supervisor.fact], path: path)
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else {
            throw TrainingError.refused(
                "\(directory.checkpointsPath): none of the saved states can be used:\n  "
                    + problems.joined(separator: "\n  ") + "\nBegin anew with --restart.")
        }
        return nil
    }

    /// Trains until the recipe's length, or a limit that comes first.
    /// - Parameters:
    ///   - output: where progress goes; nil for silence.
    ///   - isCancelled: asked between steps; then the state is saved.
    /// - Throws: `TrainingError.diverged` or `.exploded` with the last good state kept, after the recipe's tries; `FileError` when the disk is full.
    @discardableResult
    public func run(
        until limit: TrainingLimit = .init(), output: ConsoleOutput? = .standardError,
        isCancelled: () -> Bool = { Interrupt.isRequested }
    ) throws -> Outcome {
        precondition(!hasFailed, "TrainingRun.run: after an error, open the run again")
        hasFailed = true
        let session = try TrainingSession(run: self, limit: limit, output: output)
        let outcome = try session.run(isCancelled: isCancelled)
        hasFailed = false
        resumed = Resumption(
            clock: trainer.clock, best: session.best, supervisor: session.supervisor.text,
            path: directory.lastPath)
        return outcome
    }
}
