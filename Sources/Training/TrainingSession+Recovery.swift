import Checkpoints
import Console
import Datasets
import Foundation
import Recipes
import Runs
import Torch

extension TrainingSession {
    var supervision: SupervisionSettings { trainer.recipe.supervision }

    /// Whether a divergence sends the run back.
    var canGoBack: Bool { supervision.isOn && supervision.maxRecoveries > 0 }

    /// Says what the readings of the last steps give away.
    /// - Throws: `TrainingError.exploded` when a loss is beyond the recipe's limit.
    func supervise(_ report: TrainerReport) throws {
        guard supervision.isOn else { return }
        let clock = trainer.clock
        for reading in report.scalars
        where reading.curve.hasPrefix("loss/") && abs(reading.value) > supervision.lossLimit {
            throw TrainingError.exploded(
                what: "\(reading.curve.replacing("loss/", with: "the loss of the ")) is \(reading.value), "
                    + "beyond \(supervision.lossLimit) (supervision.lossLimit)", step: clock.steps, kept: "")
        }
        guard let health = report.health else { return }
        for diagnosis in supervisor.observe(health, at: clock) {
            var line = LogRecord(step: clock.steps)
            line.add("kimg", .number(clock.kimg))
            line.add("verdict", .text(diagnosis.kind.rawValue))
            line.add(
                diagnosis.isOver ? "over" : "says", diagnosis.isOver ? .flag(true) : .text(diagnosis.text))
            try log.append(line)
            if !diagnosis.isOver {
                reporter?.note("health: \(diagnosis.text). See Docs/Training.md.")
                try events.text("health", diagnosis.text, step: clock.steps)
            }
        }
    }

    /// Goes back to the last good state with a remedy.
    /// - Throws: the error, with what is kept and what was tried, when there is nothing more to try.
    func recover(from error: TrainingError) throws {
        guard let (cause, failedStep) = error.divergence else { throw error }
        let earlier = trainer.recoveries
        guard canGoBack, earlier.all.count < supervision.maxRecoveries, let path = stateToGoBackTo() else {
            let kept =
                saved.map { "The state of step \($0.step) is kept in \($0.path)." }
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
        // Other latents too, for it may have been them.
        for (index, stream) in trainer.state.streams.enumerated() {
            let seed = record.seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(recoveries.all.count) &+ UInt64(index)
            try stream.source.restore(RandomSource(seed: seed).state)
        }
        goOn(from: state)
        // Their like comes again, but perhaps at other numbers of images.
        let newest = directory.previewPath(images: clock.images)
        for path in directory.previews where path > newest {
            try? FileManager.default.removeItem(atPath: path)
        }
        // States of the way that was left would be gone on from, without the remedy.
        for other in directory.states where other != path {
            guard let state = try? Checkpoint(path: other, sections: []), state.clock.steps > clock.steps
            else { continue }
            try? FileManager.default.removeItem(atPath: other)
        }
        log = try JSONLinesLog(path: directory.logPath, resumingAt: clock.steps)
        events = try TensorBoardLog(folder: directory.eventsPath, resumingAt: clock.steps)
        try save(to: directory.lastPath)
        try logRemedies()
        reporter?.note(
            "health: \(cause) at step \(failedStep); went back to step \(clock.steps) with the learning rates x "
                + "\(recoveries.learningRateFactor) and other pictures (\(recoveries.all.count) of "
                + "\(supervision.maxRecoveries) tries). See Docs/Training.md.")
    }

    /// The newest good state; one before it when the newest has not helped.
    private func stateToGoBackTo() -> String? {
        guard let saved else { return nil }
        guard trainer.recoveries.all.last?.step == saved.step else { return saved.path }
        let older = directory.states.first { path in
            guard let state = try? Checkpoint(path: path, sections: []) else { return false }
            return state.clock.steps < saved.step
        }
        return older ?? saved.path
    }

    /// Writes the lines of the recoveries that a log cut at the state at hand has lost.
    ///
    /// A line carries the number of the first step that it is about, so that it belongs to what came after the state: that
    /// of its own remedy, or of a later one that went further back.
    func logRemedies() throws {
        let clock = trainer.clock
        let all = trainer.recoveries.all
        for (index, remedy) in all.enumerated() where all[index...].map(\.step).min() == clock.steps {
            var line = LogRecord(step: clock.steps + 1)
            line.add("kimg", .number(clock.kimg))
            line.add("remedy", .integer(index + 1))
            line.add("cause", .text(remedy.cause))
            line.add("failedStep", .integer(remedy.failedStep))
            line.add("learningRates", .number(remedy.learningRateFactor))
            line.add("skippedImages", .integer(remedy.skippedImages))
            try log.append(line)
        }
    }
}
