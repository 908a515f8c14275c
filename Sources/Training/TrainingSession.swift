import Checkpoints
import Console
import Datasets
import Files
import Foundation
import Models
import Provenance
import Torch

/// One session of a run: the loop over steps and all that happens between them.
final class TrainingSession {
    private let directory: RunDirectory
    private let trainer: AdversarialTrainer
    private let record: RunRecord
    private let settings: TrainingSettings
    private let limit: TrainingLimit
    /// An explicit number of steps takes the place of the recipe's length.
    private let totalKimg: Double?
    private let loader: BatchLoader
    private let log: JSONLinesLog
    private let events: TensorBoardLog
    private let reporter: ProgressReporter?
    private let preview: Preview
    private let score: FixedScore
    private let resumedAt: TrainingClock?
    private let started = ProcessInfo.processInfo.systemUptime
    /// The lowest score of the run.
    private(set) var best: Double?
    private var savedAt: Double
    /// The newest good state of the run, in whichever file.
    private var saved: (step: Int, path: String)?
    private var idleSeconds = 0.0
    private var tickedAt: Double
    private var tickedImages: Int
    private var shown: [ProgressReporter.Group] = []
    private var previewed: TrainingClock?

    init(run: TrainingRun, limit: TrainingLimit, output: ConsoleOutput?) throws {
        (directory, trainer, record) = (run.directory, run.trainer, run.record)
        settings = trainer.recipe.training
        self.limit = limit
        totalKimg = limit.kimg ?? (limit.steps == nil ? settings.totalKimg : nil)
        let clock = trainer.clock
        loader = BatchLoader(
            store: run.store, batchSize: trainer.recipe.batchSize, seed: record.seed,
            augmentation: trainer.recipe.data.augmentation, subset: run.subset, position: clock.images,
            threads: 1
        )
        log = try JSONLinesLog(path: directory.logPath, resumingAt: run.resumedAt?.steps)
        events = try TensorBoardLog(folder: directory.eventsPath, resumingAt: run.resumedAt?.steps)
        preview = Preview(recipe: trainer.recipe)
        score = FixedScore(recipe: trainer.recipe, store: run.store, subset: run.subset)
        resumedAt = run.resumedAt
        best = run.resumed?.best
        saved = run.resumed.map { ($0.clock.steps, $0.path) }
        (savedAt, tickedAt) = (started, started)
        tickedImages = clock.images
        let totals = [
            totalKimg.map { Int($0 * 1000) },
            limit.steps.map { clock.images + max(0, $0 - clock.steps) * run.trainer.imagesPerStep },
        ].compactMap { $0 }
        reporter = output.map {
            ProgressReporter(
                totalImages: totals.min(), totalSeconds: limit.minutes.map { $0 * 60 }, output: $0)
        }
    }

    /// The key of the lowest score in a state's facts.
    static let bestFact = "bestSlicedWasserstein"

    func run(isCancelled: () -> Bool) throws -> TrainingRun.Outcome {
        defer { reporter?.finish() }
        do {
            if resumedAt == nil { try writePreview() }
            while true {
                if let outcome = outcome(isCancelled()) {
                    try saveLast()
                    try finish()
                    return outcome
                }
                let before = trainer.clock.images
                try trainer.step(loader.next)
                try between(before: before)
            }
        } catch TrainingError.diverged(let what, let step, _) {
            let kept =
                saved.map { "The state of step \($0.step) is kept in \($0.path)." }
                ?? "No state had been saved yet."
            throw TrainingError.diverged(what: what, step: step, kept: kept)
        }
    }

    private func outcome(_ isCancelled: Bool) -> TrainingRun.Outcome? {
        let clock = trainer.clock
        if isCancelled { return .interrupted }
        if let steps = limit.steps, clock.steps >= steps { return .finished }
        if let totalKimg, clock.kimg >= totalKimg { return .finished }
        if let minutes = limit.minutes, now - started >= minutes * 60 { return .outOfTime }
        return nil
    }

    private var now: Double { ProcessInfo.processInfo.systemUptime }

    /// What is due after a step. States come last, so that a run that goes on from one has everything before it.
    private func between(before: Int) throws {
        let clock = trainer.clock
        func isDue(everyKimg: Double) -> Bool {
            guard everyKimg > 0 else { return false }
            let every = everyKimg * 1000
            return (Double(before) / every).rounded(.down) < (Double(clock.images) / every).rounded(.down)
        }
        let ticks = clock.steps % settings.logSteps == 0
        if ticks { try tick() }
        if !shown.isEmpty { reporter?.update(images: clock.images, shown) }
        let isBest = isDue(everyKimg: settings.scoreKimg) ? try judge() : false
        if Preview.isDue(from: before, to: clock.images, every: settings.previewKimg * 1000) {
            try writePreview()
        }
        let isKept = isDue(everyKimg: settings.keepKimg)
        if isBest { try save(to: directory.bestPath) }
        if isKept { try save(to: directory.keptPath(images: clock.images)) }
        // With 0 minutes, at every line of the log.
        let minutes = settings.saveMinutes
        let isLate = minutes > 0 ? now - savedAt >= minutes * 60 : ticks
        if isBest || isKept || isLate { try saveLast() }
    }

    /// Scores the averaged generator; whether it is the best so far.
    private func judge() throws -> Bool {
        let clock = trainer.clock
        let begun = now
        let found = score.measure(trainer.average?.generator ?? trainer.generator)
        guard found.value.isFinite else {
            throw TrainingError.diverged(what: "the score of the faces", step: clock.steps, kept: "")
        }
        let isBest = found.value < best ?? .infinity
        if isBest { best = found.value }

        var line = LogRecord(step: clock.steps)
        line.add("kimg", .number(clock.kimg))
        line.add("slicedWasserstein", .number(found.value))
        line.add("slicedWassersteinError", .number(found.error))
        for level in found.levels { line.add("slicedWasserstein\(level.side)", .number(level.value)) }
        line.add("best", .flag(isBest))
        line.add(machine: "seconds", .number(now - begun))
        try log.append(line)
        try events.scalars(
            [("score/slicedWasserstein", found.value)]
                + found.levels.map { ("score/slicedWasserstein\($0.side)", $0.value) }, step: clock.steps)
        reporter?.note(
            "sliced Wasserstein \(Readable.fixed(found.value, 2)) ± \(Readable.fixed(found.error, 2)) at "
                + "\(Readable.fixed(clock.kimg, 1)) kimg" + (isBest ? ", the best so far" : ""))
        return isBest
    }

    private func tick() throws {
        let means = try trainer.takeStatistics()
        let clock = trainer.clock
        let seconds = max(1e-9, now - tickedAt)
        let rate = Double(clock.images - tickedImages) / seconds
        let idle = loader.idleSeconds - idleSeconds
        (tickedAt, tickedImages, idleSeconds) = (now, clock.images, loader.idleSeconds)

        var line = LogRecord(step: clock.steps)
        line.add("kimg", .number(clock.kimg))
        line.add("lossD", .number(means.discriminatorLoss))
        line.add("lossG", .number(means.generatorLoss))
        line.add("realScore", .number(means.realScore))
        line.add("fakeScore", .number(means.fakeScore))
        line.add("learningRateFactor", .number(trainer.learningRateFactor))
        line.add(machine: "seconds", .number(now - started))
        line.add(machine: "imagesPerSecond", .number(rate))
        line.add(machine: "loaderIdle", .number(idle / seconds))
        if let memory = ProcessMemory.resident { line.add(machine: "memoryBytes", .integer(memory)) }
        try log.append(line)
        try events.scalars(
            [
                ("loss/discriminator", means.discriminatorLoss), ("loss/generator", means.generatorLoss),
                ("score/real", means.realScore), ("score/fake", means.fakeScore),
                ("speed/imagesPerSecond", rate),
            ], step: clock.steps)
        shown = [
            .init("loss", [("D", means.discriminatorLoss), ("G", means.generatorLoss)]),
            .init("", [("D(real)", means.realScore)]), .init("", [("D(fake)", means.fakeScore)]),
        ]
    }

    // MARK: Files

    private func saveLast() throws {
        defer { savedAt = now }
        if let saved, saved.step == trainer.clock.steps, saved.path == directory.lastPath { return }
        try save(to: directory.lastPath)
    }

    private func save(to path: String) throws {
        if let what = trainer.firstNotFinite() {
            throw TrainingError.diverged(what: what, step: trainer.clock.steps, kept: "")
        }
        try log.synchronize()
        var checkpoint = trainer.checkpoint()
        checkpoint.facts["seed"] = "\(record.seed)"
        checkpoint.facts["dataProtocol"] = record.dataProtocol
        checkpoint.facts["protocolHash"] = record.protocolHash
        checkpoint.facts["contentHash"] = record.contentHash
        checkpoint.facts["engine"] = record.engine
        checkpoint.facts[Self.bestFact] = best.map { "\($0)" }
        try checkpoint.write(to: path)
        saved = (trainer.clock.steps, path)
    }

    private func writePreview() throws {
        let grid = preview.grid(trainer.average?.generator ?? trainer.generator)
        let png = try grid.png()
        let clock = trainer.clock
        try AtomicFile.write(png, to: directory.previewPath(images: clock.images))
        try events.image("faces", png: png, width: grid.width, height: grid.height, step: clock.steps)
        previewed = clock
    }

    private func finish() throws {
        // The grid of a state that a session begins with was written when it was saved.
        let isThere = FileManager.default.fileExists(
            atPath: directory.previewPath(images: trainer.clock.images))
        if previewed != trainer.clock, resumedAt != trainer.clock || !isThere { try writePreview() }
        try Preview.writeFilm(of: directory.previews, to: directory.filmPath, origin: Model.software)
    }
}
