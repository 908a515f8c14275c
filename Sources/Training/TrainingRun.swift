import Checkpoints
import Console
import Datasets
import Files
import Foundation
import Recipes
import Runs
import Settings
import Torch

/// Training run in a directory: it trains, writes logs, previews and states, and resumes exactly after a stop or a kill.
public final class TrainingRun {
    /// Reason for the end of a session.
    public enum Outcome: Sendable, Equatable {
        /// The run has reached its number of images or steps.
        case finished
        /// The score has stopped improving; see `TrainingLimit.plateau`.
        case plateau
        /// The session has reached its time limit.
        case outOfTime
        /// The session was cancelled; the state is saved.
        case interrupted
    }

    /// Directory of the run.
    public let directory: RunDirectory
    /// Trainer of the recipe's system.
    public let trainer: any Trainer
    /// Properties of the run that never change, such as data and seed.
    public private(set) var record: RunRecord
    /// Training pictures.
    public let store: FaceStore
    /// Clock of the state from which the run was resumed; nil for a new run.
    public var resumedAt: TrainingClock? { resumed?.clock }
    /// Best score of the saved states; nil before the first score.
    public var best: BestScore? { resumed?.best }
    /// Evaluations since the score last improved; nil before the first session.
    public var plateau: PlateauDetector? { resumed?.plateau }
    /// Notes for the user, such as that a damaged state was skipped.
    public private(set) var notes: [String] = []
    let subset: [Int]?
    /// Whether the device has the pictures, so that batches need no pixels.
    let keepsPictures: Bool
    let monitor: any RunMonitor
    private(set) var resumed: Resumption?
    private var hasFailed = false
    /// Called before every step, for fault injection in tests.
    package var beforeStep: ((any Trainer) -> Void)?

    /// State from which a session resumes.
    struct Resumption {
        let clock: TrainingClock
        /// Best score of the run.
        let best: BestScore?
        /// Evaluations since the score last improved.
        let plateau: PlateauDetector?
        /// Saved state of the supervisor.
        let supervisor: String?
        let path: String
    }

    /// Opens a run in a folder, or creates one.
    /// - Parameters:
    ///   - recipe: settings of the run.
    ///   - store: training pictures, with the resolution of the recipe.
    ///   - data: name of the source of the pictures, for the record.
    ///   - folder: run directory.
    ///   - seed: seed of weights, latents and order of pictures; nil for that of an existing run, otherwise 0.
    ///   - device: device of the networks.
    ///   - precision: `.auto` for that of an existing run, otherwise the best for the device.
    ///   - start: run or model whose weights a new run starts from; nil for that of an existing run, otherwise random
    ///     weights.
    ///   - restart: whether an existing run in the folder is removed.
    ///   - usesGraphs: whether steps on CUDA are recorded as graphs.
    /// - Throws: `TrainingError.otherRun` if the folder contains a run with other settings; `TrainingError.refused` for other
    ///   problems that the user can solve, such as metrics that cannot be computed; `CheckpointError`, `WeightsError`, `SettingsError` or `FileError` for files that
    ///   cannot be used. No file has changed then.
    public init(
        recipe: Recipe, store: FaceStore, data: String, folder: String, seed: UInt64? = nil,
        device: Device = .cpu,
        precision: Precision = .auto, start: String? = nil, restart: Bool = false, usesGraphs: Bool = true
    ) throws {
        self.store = store
        try TrainingEstimate.requireMemory(recipe)
        subset = try Self.subset(of: store, recipe, data: data)
        directory = try RunDirectory(folder)
        let known = !restart && RunDirectory.holdsRun(folder) ? try RunRecord(folder: folder) : nil
        let precision =
            precision == .auto
            ? known.flatMap { Precision(rawValue: $0.precision) } ?? precision.resolved(for: device)
            : precision
        // A run keeps the kernels with which it was created.
        let kernels = known.map { $0.kernels.flatMap(Kernels.init) ?? .plain } ?? .standard
        if restart, let start, Self.isInside(directory.path, try ModelFile(start).path) {
            throw TrainingError.refused(
                "--from \(start): --restart removes the folder of this file; use another --out")
        }
        let start = start ?? known?.start
        let recipe = try Self.enlarged(recipe, from: start, stored: known == nil ? nil : directory)
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
        if let known { notes = try Self.changes(from: known, to: record, recipe, directory) }
        let foreign = directory.foreignFiles(recipe: recipe.yaml)
        guard foreign.isEmpty else {
            let names = foreign.prefix(4).map { ($0 as NSString).lastPathComponent }
            throw TrainingError.refused(
                "\(folder): the folder has no run.json, but files that a run would replace: "
                    + names.joined(separator: ", ")
                    + (foreign.count > 4 ? " and \(foreign.count - 4) more" : "")
                    + "; use another --out, or move them")
        }
        if device != .cpu { Engine.setCUDASpeed(searchesAlgorithms: true, allowsTF32: true) }
        if device != .cpu, precision == .fp32 { notes.append("float32 products on \(device) use TF32") }
        let (labels, seed) = (subset.map { store.labels.rows($0) } ?? store.labels, record.seed)
        let chosen = subset
        let trainer = try recoveringFromOutOfMemory {
            try recipe.trainer(
                labels: labels, seed: seed, device: device, precision: precision, kernels: kernels)
        }
        self.trainer = trainer
        if !usesGraphs { trainer.graphs.turnOff() }
        let kept = try recoveringFromOutOfMemory { Self.keep(store, for: trainer) }
        keepsPictures = kept != nil
        if let kept { notes.append(kept) }
        monitor = try recoveringFromOutOfMemory { try trainer.monitor(of: store, subset: chosen) }
        resumed = restart ? nil : try Self.resume(trainer, from: directory, notes: &notes)
        if let resumed {
            try Self.requireRecipe(of: resumed, in: directory, equals: recipe)
        } else if known?.hasStates == true {
            throw TrainingError.refused(
                "\(directory.checkpointsPath): states of this run were saved, but none is there now; restore them, or start again"
                    + " with --restart")
        }
        if resumed == nil, let start { notes += try Self.begin(trainer, with: start, record) }
        // The folder is cleared after all checks.
        if restart, RunDirectory.holdsRun(folder) { try directory.clear() }
        self.notes = notes
        try AtomicFile.write(Array(recipe.yaml.utf8), to: directory.recipePath)
        // The record is written last, because its presence marks the folder as a run.
        if known == nil {
            try record.write(to: directory.recordPath)
        } else {
            record.hasStates = known?.hasStates
        }
    }

    /// Records that a state has been saved. A resumed run then requires a state.
    func noteState() throws {
        guard record.hasStates != true else { return }
        record.hasStates = true
        // The stored record has the facts of the start, such as the number of threads.
        var stored = try RunRecord(folder: directory.path)
        stored.hasStates = true
        try stored.write(to: directory.recordPath)
    }

    /// Copies the pictures to a CUDA device if the augmentation can be done there and they need at most a quarter of its memory.
    /// - Returns: a note for the user; nil if the pictures stay on the host.
    private static func keep(_ store: FaceStore, for trainer: any Trainer) -> String? {
        guard case .cuda(let index) = trainer.device, trainer.recipe.data.augmentation.onlyMirrors,
            let total = try? Engine.cudaMemory(index).total
        else { return nil }
        let bytes = store.count * store.sampleByteCount
        guard bytes <= total / 4 else { return nil }
        trainer.graphs.keepPictures(of: store)
        return "the pictures are on the device: \(Readable.bytes(bytes)) of \(Readable.bytes(total))"
    }

    /// Indices of the pictures of the recipe's split; nil for all.
    private static func subset(of store: FaceStore, _ recipe: Recipe, data: String) throws -> [Int]? {
        guard store.size == recipe.resolution else {
            throw TrainingError.refused(
                "the pictures have \(store.size) x \(store.size) pixels (protocol \(store.data.name)), the resolution of the recipe"
                    + " is \(recipe.resolution): prepare the pictures again, or --set resolution=\(store.size)"
            )
        }
        guard let split = recipe.data.split else { return nil }
        let subset = store.part(split)
        if subset.isEmpty {
            throw TrainingError.refused("\(data) has no pictures in its \(split.rawValue) part (data.split)")
        }
        return subset
    }

    /// Notes about permitted differences from an existing run.
    /// - Throws: `TrainingError.otherRun` for other differences.
    private static func changes(
        from known: RunRecord, to record: RunRecord, _ recipe: Recipe, _ directory: RunDirectory
    ) throws -> [String] {
        var notes: [String] = []
        var differences = known.differences(from: record)
        let stored: Recipe = try SettingsDocument.decode(file: directory.recipePath)
        for change in SettingsDocument.changes(from: stored, to: recipe) where change.key != "about" {
            if isPermitted(change) { notes.append("\(change)") } else { differences.append("\(change)") }
        }
        guard differences.isEmpty else {
            throw TrainingError.otherRun(folder: directory.path, differences: differences)
        }
        if known.threads != record.threads || known.engine != record.engine || known.device != record.device {
            notes.append(
                "the run started on \(known.device) with \(known.threads) threads and libtorch \(known.engine): "
                    + "the resumed run is not bit-identical")
        }
        return notes
    }

    /// Compares the recipe with the one that a saved state was trained with. `recipe.yaml` may have been edited since.
    /// - Throws: `TrainingError.otherRun` for changes that would continue a different training.
    private static func requireRecipe(
        of resumed: Resumption, in directory: RunDirectory, equals recipe: Recipe
    ) throws {
        let trained = try ModelFile(resumed.path).recipe()
        let differences = SettingsDocument.changes(from: trained, to: recipe).filter { !isPermitted($0) }
        guard differences.isEmpty else {
            throw TrainingError.otherRun(
                folder: directory.path,
                differences: differences.map {
                    "\($0) (in recipe.yaml, which was edited after the last save)"
                })
        }
    }

    /// Whether a setting may change when a run is resumed.
    private static func isPermitted(_ change: SettingsDocument.Change) -> Bool {
        change.key == "about" || change.key.hasPrefix("training.") || change.key.hasPrefix("supervision.")
    }

    /// The recipe of a run that starts from a model, with the side of its pictures if they are smaller.
    /// - Parameter stored: directory of an existing run, whose recipe has that side.
    /// - Throws: `TrainingError.refused` for a side without a model; errors of an unusable file.
    private static func enlarged(
        _ recipe: Recipe, from start: String?, stored: RunDirectory?
    ) throws -> Recipe {
        guard case .adversarial(var settings) = recipe.system else { return recipe }
        if let stored {
            let known: Recipe = try SettingsDocument.decode(file: stored.recipePath)
            guard case .adversarial(let old) = known.system else { return recipe }
            settings.enlargement.fromSide = old.enlargement.fromSide
        } else if let start {
            let file = try ModelFile(start)
            do {
                settings.enlargement.fromSide = NetworkEnlargement.side(from: try file.recipe(), to: recipe)
            } catch let error as CheckpointError { throw TrainingError.refused("--from \(start): \(error)") }
        } else if settings.enlargement.fromSide > 0 {
            throw TrainingError.refused(
                "enlargement.fromSide is the side of a model that a run starts from: name it with --from, or set 0"
            )
        }
        var recipe = recipe
        recipe.system = .adversarial(settings)
        return recipe
    }

    /// Copies the weights of another run or model.
    private static func begin(
        _ trainer: any Trainer, with start: String, _ record: RunRecord
    ) throws -> [String] {
        let file = try ModelFile(start).path
        guard try SafetensorsFile(path: file).digest == record.startDigest else {
            throw TrainingError.refused(
                "\(file): the weights differ from those with which the run was created; create it again with --restart"
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
                if problems.isEmpty { try requireNewest(state, at: path, in: directory) }
                notes += problems.map { "skipped a state that cannot be used: \($0)" }
                return Resumption(
                    clock: state.clock, best: state.facts[BestScore.fact].flatMap(BestScore.init),
                    plateau: state.facts[PlateauDetector.fact].flatMap(PlateauDetector.init),
                    supervisor: state.facts[Supervisor.fact], path: path)
            } catch let error as TrainingError {
                throw error
            } catch {
                problems.append("\(error)")
            }
        }
        guard problems.isEmpty else {
            throw TrainingError.refused(
                "\(directory.checkpointsPath): none of the saved states can be used:\n  "
                    + problems.joined(separator: "\n  ") + "\nStart again with --restart.")
        }
        return nil
    }

    /// Refuses to resume from an older state if the newest was deleted, because the log would be cut to that state.
    /// - Throws: `TrainingError.refused`; `FileError` if the log cannot be read.
    private static func requireNewest(
        _ state: Checkpoint, at path: String, in directory: RunDirectory
    ) throws {
        guard !FileManager.default.fileExists(atPath: directory.lastPath),
            let step = JSONLinesLog.lastStep(path: directory.logPath), step > state.clock.steps
        else { return }
        throw TrainingError.refused(
            "\(directory.lastPath): the newest state is missing. The log ends at step \(step), \(path) is of step"
                + " \(state.clock.steps). Restore the file, or copy \(path) to it to resume from there.")
    }

    /// Trains up to a limit, by default the length of the recipe.
    /// - Parameters:
    ///   - limit: end of the run or of this session.
    ///   - output: destination of progress messages; nil for none.
    ///   - isCancelled: called between steps; if it returns true, the session saves its state and ends.
    /// - Returns: the reason for the end.
    /// - Throws: `TrainingError.diverged` or `.exploded` if the recoveries of the recipe are used up; the last good state is
    ///   kept. `FileError` if a file cannot be written.
    @discardableResult
    public func run(
        until limit: TrainingLimit = .init(), output: ConsoleOutput? = .standardError,
        isCancelled: () -> Bool = { Interrupt.isRequested }
    ) throws -> Outcome {
        precondition(!hasFailed, "TrainingRun.run: expected a run without an error; open it again")
        try limit.check(for: trainer.recipe)
        hasFailed = true
        let session = try TrainingSession(run: self, limit: limit, output: output)
        let outcome = try session.run(isCancelled: isCancelled)
        hasFailed = false
        resumed = Resumption(
            clock: trainer.clock, best: session.best, plateau: session.plateau,
            supervisor: session.supervisor.text, path: directory.lastPath)
        return outcome
    }
}

/// End of a run or of a session: the first limit that is reached. Nil is no limit.
public struct TrainingLimit: Sendable, Equatable {
    /// Images of the whole run, in thousands.
    public var kimg: Double?
    /// Steps of the whole run.
    public var steps: Int?
    /// Duration of this session, in minutes.
    public var minutes: Double?
    /// Evaluations in a row without an improvement of the score by more than its noise; see `PlateauDetector`.
    public var plateau: Int?

    /// Creates limits.
    public init(kimg: Double? = nil, steps: Int? = nil, minutes: Double? = nil, plateau: Int? = nil) {
        (self.kimg, self.steps, self.minutes, self.plateau) = (kimg, steps, minutes, plateau)
    }

    /// Checks that the run computes the scores that a limit needs.
    /// - Throws: `TrainingError.refused`.
    public func check(for recipe: Recipe) throws {
        guard plateau != nil, recipe.training.scoreKimg <= 0 else { return }
        throw TrainingError.refused(
            "--until-plateau needs scores, but this run computes none (training.scoreKimg=0): set an interval, such as"
                + " --set training.scoreKimg=20")
    }
}
