import Checkpoints
import Console
import Datasets
import Evaluation
import Files
import Foundation
import Models
import Provenance
import Recipes
import Runs
import Torch

/// One session of a run: the loop over steps, and logs, previews, scores and saves between steps.
final class TrainingSession {
    let directory: RunDirectory
    let trainer: any Trainer
    let record: RunRecord
    private let settings: TrainingSettings
    private let limit: TrainingLimit
    /// Length of the run, in thousands of images; nil if only a number of steps limits it.
    private let totalKimg: Double?
    private(set) var loader: BatchLoader
    private let makeLoader: (_ count: Int, _ position: Int) -> BatchLoader
    private var batchSize: Int
    /// Idle time of earlier loaders, in seconds.
    private var earlierIdleSeconds = 0.0
    var log: JSONLinesLog
    var events: TensorBoardLog
    let reporter: ProgressReporter?
    var supervisor: Supervisor
    private let beforeStep: ((any Trainer) -> Void)?
    private let monitor: any RunMonitor
    private let noteState: () throws -> Void
    private let resumedAt: TrainingClock?
    private let started = ProcessInfo.processInfo.systemUptime
    /// Best score of the run and its metric; nil before the first score.
    private(set) var best: BestScore?
    /// Evaluations since the score last improved.
    private(set) var plateau: PlateauDetector
    private var isFirstStep = true
    private var hasNotedGraphs = false
    private var savedAt: Double
    /// Step and file of the newest good state.
    private(set) var saved: (step: Int, path: String)?
    private var idleSeconds = 0.0
    /// Time and images of the last log line.
    private var loggedAt: Double
    private var loggedImages: Int
    private var shown: [ProgressReporter.Group] = []
    private var previewed: TrainingClock?

    init(run: TrainingRun, limit: TrainingLimit, output: ConsoleOutput?) throws {
        (directory, trainer, record) = (run.directory, run.trainer, run.record)
        beforeStep = run.beforeStep
        settings = trainer.recipe.training
        self.limit = limit
        totalKimg = limit.kimg ?? (limit.steps == nil ? settings.totalKimg : nil)
        let clock = trainer.clock
        let (recipe, seed) = (trainer.recipe, record.seed)
        makeLoader = { count, position in
            BatchLoader(
                store: run.store, batchSize: count, seed: seed, augmentation: recipe.data.augmentation,
                subset: run.subset, position: position, threads: 1, loadsPixels: !run.keepsPictures)
        }
        batchSize = recipe.batchSize(images: clock.images)
        loader = makeLoader(batchSize, clock.images + trainer.recoveries.skippedImages)
        supervisor = Supervisor(recipe: recipe, minSpike: trainer.minPenaltySpike)
        supervisor.restore(run.resumed?.supervisor)
        log = try JSONLinesLog(path: directory.logPath, resumingAt: run.resumedAt?.steps)
        events = try TensorBoardLog(folder: directory.eventsPath, resumingAt: run.resumedAt?.steps)
        monitor = run.monitor
        noteState = { [unowned run] in try run.noteState() }
        resumedAt = run.resumedAt
        best = run.resumed?.best
        plateau = run.resumed?.plateau ?? PlateauDetector()
        saved = run.resumed.map { ($0.clock.steps, $0.path) }
        (savedAt, loggedAt) = (started, started)
        loggedImages = clock.images
        let totals = [
            totalKimg.map { Int($0 * 1000) },
            limit.steps.map { clock.images + max(0, $0 - clock.steps) * run.trainer.imagesPerStep },
        ].compactMap { $0 }
        reporter = output.map {
            ProgressReporter(
                totalImages: totals.min(), totalSeconds: limit.minutes.map { $0 * 60 }, output: $0)
        }
    }

    /// Trains until a limit is reached or `isCancelled` returns true.
    /// - Throws: errors of `TrainingRun.run`.
    func run(isCancelled: () -> Bool) throws -> TrainingRun.Outcome {
        defer { reporter?.finish() }
        if resumedAt == nil { try recoveringFromOutOfMemory { try writePreview() } }
        try logRecoveries()
        // A state for recovery from divergence in the first steps.
        if saved == nil, canRecover { try save(to: directory.lastPath) }
        while true {
            do {
                if let outcome = outcome(isCancelled()) {
                    try saveLast()
                    try finish()
                    return outcome
                }
                let before = trainer.clock.images
                beforeStep?(trainer)
                try step()
                try afterStep(before: before)
            } catch let error as TrainingError {
                try recover(from: error)
            }
        }
    }

    /// One step of the trainer. In the first step of a session a lack of memory is an error; later it ends the process.
    private func step() throws {
        guard isFirstStep else { return try trainer.step(next) }
        try recoveringFromOutOfMemory { try trainer.step(next) }
        isFirstStep = false
    }

    /// The next pictures. Their order does not depend on batch sizes.
    private func next(_ count: Int) -> ImageBatch {
        if count != batchSize {
            earlierIdleSeconds += loader.idleSeconds
            loader = makeLoader(count, loader.position)
            batchSize = count
        }
        return loader.next()
    }

    /// Updates values that depend on the trainer's clock after it has restored `state`.
    func reload(from state: Checkpoint) {
        let images = trainer.clock.images
        batchSize = trainer.recipe.batchSize(images: images)
        loader = makeLoader(batchSize, images + trainer.recoveries.skippedImages)
        supervisor.restore(state.facts[Supervisor.fact])
        best = state.facts[BestScore.fact].flatMap(BestScore.init)
        plateau = state.facts[PlateauDetector.fact].flatMap(PlateauDetector.init) ?? PlateauDetector()
        (loggedAt, loggedImages, idleSeconds, earlierIdleSeconds) = (now, images, 0, 0)
        (shown, previewed) = ([], nil)
    }

    private func outcome(_ isCancelled: Bool) -> TrainingRun.Outcome? {
        let clock = trainer.clock
        if isCancelled { return .interrupted }
        if let steps = limit.steps, clock.steps >= steps { return .finished }
        if let totalKimg, clock.kimg >= totalKimg { return .finished }
        if let evaluations = limit.plateau, plateau.isPlateau(after: evaluations) { return .plateau }
        if let minutes = limit.minutes, now - started >= minutes * 60 { return .outOfTime }
        return nil
    }

    private var now: Double { ProcessInfo.processInfo.systemUptime }

    /// Performs everything that is due after a step. States are saved last, so that a resumed run has all earlier output.
    /// - Parameter before: number of images before the step.
    private func afterStep(before: Int) throws {
        let clock = trainer.clock
        if !hasNotedGraphs, let reason = trainer.graphs.obstacle {
            hasNotedGraphs = true
            reporter?.note("steps run without CUDA graphs: \(reason)")
        }
        func isDue(everyKimg: Double) -> Bool {
            guard everyKimg > 0 else { return false }
            let every = everyKimg * 1000
            return (Double(before) / every).rounded(.down) < (Double(clock.images) / every).rounded(.down)
        }
        for event in trainer.takeEvents() { try report(event) }
        let isLogged = clock.steps % settings.logSteps == 0
        if isLogged { try logStep() }
        if !shown.isEmpty { reporter?.update(images: clock.images, shown) }
        let isBest = isDue(everyKimg: settings.scoreKimg) ? try score() : false
        if Preview.isDue(from: before, to: clock.images, every: settings.previewKimg * 1000) {
            try writePreview()
        }
        let isKept = isDue(everyKimg: settings.keepKimg)
        if isBest { try save(to: directory.bestPath) }
        if isKept { try save(to: directory.keptPath(images: clock.images)) }
        // With 0 minutes, states are saved at every log line.
        let minutes = settings.saveMinutes
        let isLate = minutes > 0 ? now - savedAt >= minutes * 60 : isLogged
        if isBest || isKept || isLate { try saveLast() }
    }

    /// Writes an event to log, console and event file, and saves its checkpoint.
    private func report(_ event: TrainerEvent) throws {
        let clock = trainer.clock
        var line = LogRecord(step: clock.steps)
        line.add("kimg", .number(clock.kimg))
        line.add("event", .text(event.text))
        try log.append(line)
        try events.text("event", event.text, step: clock.steps)
        reporter?.note("\(event.text) (\(Readable.fixed(clock.kimg, 1)) kimg)")
        if let name = event.checkpointName {
            try save(to: "\(directory.checkpointsPath)/\(name).safetensors")
        }
    }

    /// Scores the averaged network.
    /// - Returns: whether it is the best state so far.
    private func score() throws -> Bool {
        let clock = trainer.clock
        let start = now
        let all = try monitor.scores()
        guard let main = all.first else { return false }
        if let invalid = all.first(where: { !$0.value.isFinite }) {
            throw TrainingError.diverged(what: "the score (\(invalid.label))", step: clock.steps, kept: "")
        }
        // Scores of different metrics are not compared.
        let isBest = main.isBetter(than: best.flatMap { $0.name == main.name ? $0.value : nil })
        let earlier = best
        if isBest { best = BestScore(name: main.name, value: main.value, images: clock.images) }
        plateau.observe(main, images: clock.images)

        var line = LogRecord(step: clock.steps)
        line.add("kimg", .number(clock.kimg))
        for score in all {
            line.add(score.name, .number(score.value))
            line.add(score.name + "Error", .number(score.error))
            for part in score.parts { line.add(score.name + part.key, .number(part.value)) }
        }
        line.add("best", .flag(isBest))
        line.add("sinceImprovement", .integer(plateau.count))
        line.add(machine: "seconds", .number(now - start))
        try log.append(line)
        try events.scalars(
            all.flatMap { score in
                [("score/\(score.name)", score.value)]
                    + score.parts.map { ("score/\(score.name)\($0.key)", $0.value) }
            }, step: clock.steps)
        let logged = FileManager.default.contents(atPath: directory.logPath).map { Array($0) } ?? []
        if let png = try ScoreCurves.png(log: logged) {
            try AtomicFile.write(png, to: directory.curvesPath, durably: false)
        }
        let texts = all.map { "\($0.label) \(Readable.fixed($0.value, 2)) ± \(Readable.fixed($0.error, 2))" }
        reporter?.note(
            texts.joined(separator: ", ") + " at \(Readable.fixed(clock.kimg, 1)) kimg"
                + (isBest ? ", best so far" + (earlier.map { " (before: \($0.summary))" } ?? "") : ""))
        if let evaluations = limit.plateau, plateau.count == evaluations, let last = plateau.last {
            try report(
                TrainerEvent(
                    "plateau: \(last.name) has not improved by more than its noise in "
                        + "\(Readable.count(evaluations, "evaluation"))"))
        }
        return isBest
    }

    /// Writes a line of the log and points of the curves, updates the progress line, and checks the health of the run.
    private func logStep() throws {
        let report = try trainer.takeReport()
        let scalars = report.scalars
        let clock = trainer.clock
        let seconds = max(1e-9, now - loggedAt)
        let rate = Double(clock.images - loggedImages) / seconds
        let totalIdleSeconds = earlierIdleSeconds + loader.idleSeconds
        let idle = totalIdleSeconds - idleSeconds
        (loggedAt, loggedImages, idleSeconds) = (now, clock.images, totalIdleSeconds)

        var line = LogRecord(step: clock.steps)
        line.add("kimg", .number(clock.kimg))
        for scalar in scalars { line.add(scalar.key, .number(scalar.value)) }
        line.add("learningRateFactor", .number(trainer.learningRateFactor))
        line.add(machine: "seconds", .number(now - started))
        line.add(machine: "imagesPerSecond", .number(rate))
        line.add(machine: "loaderIdle", .number(idle / seconds))
        if let memory = ProcessMemory.resident { line.add(machine: "memoryBytes", .integer(memory)) }
        try log.append(line)
        try events.scalars(
            scalars.map { ($0.curve, $0.value) } + [("speed/imagesPerSecond", rate)], step: clock.steps)
        shown = []
        for scalar in scalars where !scalar.label.isEmpty {
            let value = (name: scalar.label, value: scalar.value)
            if let last = shown.last, last.label == scalar.group, !scalar.group.isEmpty {
                shown[shown.count - 1].values.append(value)
            } else {
                shown.append(.init(scalar.group, [value]))
            }
        }
        try supervise(report)
    }

    // MARK: Files

    private func saveLast() throws {
        defer { savedAt = now }
        if let saved, saved.step == trainer.clock.steps, saved.path == directory.lastPath { return }
        try save(to: directory.lastPath)
    }

    /// Saves the state of trainer and session.
    /// - Throws: `TrainingError.diverged` if a value is not finite; `FileError` if the file cannot be written.
    func save(to path: String) throws {
        if let what = trainer.state.firstNotFinite() {
            throw TrainingError.diverged(what: what, step: trainer.clock.steps, kept: "")
        }
        try log.synchronize()
        var checkpoint = trainer.checkpoint()
        checkpoint.facts["seed"] = "\(record.seed)"
        checkpoint.facts["dataProtocol"] = record.dataProtocol
        checkpoint.facts["protocolHash"] = record.protocolHash
        checkpoint.facts["contentHash"] = record.contentHash
        checkpoint.facts["engine"] = record.engine
        checkpoint.facts[BestScore.fact] = best?.text
        checkpoint.facts[PlateauDetector.fact] = plateau.text
        if supervision.isOn { checkpoint.facts[Supervisor.fact] = supervisor.text }
        try checkpoint.write(to: path)
        try noteState()
        saved = (trainer.clock.steps, path)
    }

    private func writePreview() throws {
        let clock = trainer.clock
        previewed = clock
        guard let grid = monitor.preview() else { return }
        let png = try grid.png()
        try AtomicFile.write(png, to: directory.previewPath(images: clock.images))
        try events.image("faces", png: png, width: grid.width, height: grid.height, step: clock.steps)
    }

    /// Writes the last preview and the animation.
    private func finish() throws {
        // A session without steps has the preview of the state that it resumed from.
        let exists = FileManager.default.fileExists(
            atPath: directory.previewPath(images: trainer.clock.images))
        if previewed != trainer.clock, resumedAt != trainer.clock || !exists { try writePreview() }
        try Preview.writeFilm(of: directory.previews, to: directory.filmPath, origin: Origin.program)
    }
}
