import Checkpoints
import Console
import Datasets
import Foundation
import Recipes
import Runs
import Torch

extension TrainingSession {
    var supervision: SupervisionSettings { trainer.recipe.supervision }

    /// Whether the run recovers from divergence.
    var canRecover: Bool { supervision.isOn && supervision.maxRecoveries > 0 }

    /// Checks the report of the last steps: reports problems in log, console and event file.
    /// - Throws: `TrainingError.exploded` if a loss exceeds the limit of the recipe; `FileError` if the log cannot be written.
    func supervise(_ report: TrainerReport) throws {
        guard supervision.isOn else { return }
        let clock = trainer.clock
        for scalar in report.scalars
        where scalar.curve.hasPrefix("loss/") && abs(scalar.value) > supervision.lossLimit {
            throw TrainingError.exploded(
                what: "\(scalar.curve.replacing("loss/", with: "the loss of the ")) is \(scalar.value), "
                    + "above \(supervision.lossLimit) (supervision.lossLimit)", step: clock.steps, kept: "")
        }
        guard let health = report.health else { return }
        for diagnosis in supervisor.observe(health, at: clock) {
            var line = LogRecord(step: clock.steps)
            line.add("kimg", .number(clock.kimg))
            line.add("diagnosis", .text(diagnosis.kind.rawValue))
            line.add(
                diagnosis.isResolved ? "resolved" : "message",
                diagnosis.isResolved ? .flag(true) : .text(diagnosis.text))
            try log.append(line)
            if !diagnosis.isResolved {
                reporter?.note("health: \(diagnosis.text). See Docs/Training.md.")
                try events.text("health", diagnosis.text, step: clock.steps)
            }
        }
    }

    /// Restores the last good state, with half the learning rates, other pictures and other random numbers.
    /// - Throws: the error with a summary, if no recovery is left or no state was saved; `CheckpointError` or `FileError` if
    ///   the state cannot be read.
    func recover(from error: TrainingError) throws {
        guard let (cause, failedStep) = error.divergence else { throw error }
        let earlier = trainer.recoveries
        guard canRecover, earlier.all.count < supervision.maxRecoveries, let path = stateForRecovery() else {
            let kept =
                saved.map { "The state of step \($0.step) is in \($0.path)." }
                ?? "No state had been saved yet."
            throw error.keeping(earlier.isEmpty ? kept : "\(kept) \(earlier.summary)")
        }
        let state = try Checkpoint(path: path)
        let position = loader.position
        try trainer.restore(state)
        let clock = trainer.clock
        let recoveries = earlier.adding(
            step: clock.steps, cause: cause, failedStep: failedStep, skippedImages: position - clock.images)
        trainer.recoveries = recoveries
        // Latents can be the cause, so random streams get other seeds.
        for (index, stream) in trainer.state.streams.enumerated() {
            let seed = record.seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(recoveries.all.count) &+ UInt64(index)
            try stream.source.restore(RandomSource(seed: seed).state)
        }
        reload(from: state)
        // Later previews are written again, possibly at other numbers of images.
        let newest = directory.previewPath(images: clock.images)
        for path in directory.previews where path > newest {
            try? FileManager.default.removeItem(atPath: path)
        }
        // Later states are removed, because resuming one would undo the recovery.
        for other in directory.states where other != path {
            guard let state = try? Checkpoint(path: other, sections: []), state.clock.steps > clock.steps
            else { continue }
            try? FileManager.default.removeItem(atPath: other)
        }
        log = try JSONLinesLog(path: directory.logPath, resumingAt: clock.steps)
        events = try TensorBoardLog(folder: directory.eventsPath, resumingAt: clock.steps)
        try save(to: directory.lastPath)
        try logRecoveries()
        reporter?.note(
            "health: \(cause) at step \(failedStep); restored step \(clock.steps) with learning rates x "
                + "\(recoveries.learningRateFactor) and other pictures (recovery \(recoveries.all.count) of "
                + "\(supervision.maxRecoveries)). See Docs/Training.md.")
    }

    /// Path of the newest good state, or of an older one if the last recovery used the newest.
    private func stateForRecovery() -> String? {
        guard let saved else { return nil }
        guard trainer.recoveries.all.last?.step == saved.step else { return saved.path }
        let older = directory.states.first { path in
            guard let state = try? Checkpoint(path: path, sections: []) else { return false }
            return state.clock.steps < saved.step
        }
        return older ?? saved.path
    }

    /// Writes the log records of recoveries that were removed with the lines after the current state.
    ///
    /// The step of a record is the first step after the state that its recovery, or a later one, has restored.
    /// - Throws: `FileError` if the log cannot be written.
    func logRecoveries() throws {
        let clock = trainer.clock
        let all = trainer.recoveries.all
        for (index, recovery) in all.enumerated() where all[index...].map(\.step).min() == clock.steps {
            var line = LogRecord(step: clock.steps + 1)
            line.add("kimg", .number(clock.kimg))
            line.add("recovery", .integer(index + 1))
            line.add("cause", .text(recovery.cause))
            line.add("failedStep", .integer(recovery.failedStep))
            line.add("learningRates", .number(recovery.learningRateFactor))
            line.add("skippedImages", .integer(recovery.skippedImages))
            try log.append(line)
        }
    }
}

/// Recoveries of a run from divergence, part of its saved states.
public struct RecoveryHistory: Sendable, Equatable {
    /// One recovery.
    public struct Recovery: Sendable, Equatable, Codable {
        /// Step of the restored state.
        public let step: Int
        /// Cause of the divergence, as a sentence.
        public let cause: String
        /// Step of the divergence.
        public let failedStep: Int
        /// Factor of all learning rates, including earlier recoveries.
        public let learningRateFactor: Double
        /// Number of images by which the position in the data is ahead of the clock.
        public let skippedImages: Int
    }

    /// Recoveries in their order.
    public private(set) var all: [Recovery] = []

    /// Creates an empty history.
    public init() {}

    /// Parses `text`; nil if it has another format.
    init?(_ text: String) {
        guard let all = try? JSONDecoder().decode([Recovery].self, from: Data(text.utf8)) else { return nil }
        self.all = all
    }

    /// Key in the facts of a saved state.
    static let fact = "recoveries"

    /// Text for a saved state, as JSON.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(all)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Whether there were no recoveries.
    public var isEmpty: Bool { all.isEmpty }
    /// Current factor of all learning rates.
    public var learningRateFactor: Double { all.last?.learningRateFactor ?? 1 }
    /// Number of images by which the position in the data is ahead of the clock.
    public var skippedImages: Int { all.last?.skippedImages ?? 0 }

    /// The history with another recovery, which halves the learning rates.
    func adding(step: Int, cause: String, failedStep: Int, skippedImages: Int) -> RecoveryHistory {
        var history = self
        history.all.append(
            Recovery(
                step: step, cause: cause, failedStep: failedStep,
                learningRateFactor: learningRateFactor / 2, skippedImages: skippedImages))
        return history
    }

    /// Summary of all recoveries, for the error message of a diverged run.
    var summary: String {
        let texts = all.map {
            "to step \($0.step) with learning rates x \($0.learningRateFactor), because \($0.cause) at step \($0.failedStep)"
        }
        return
            "The run recovered \(all.count == 1 ? "once" : "\(all.count) times"): \(texts.joined(separator: "; "))."
    }
}
