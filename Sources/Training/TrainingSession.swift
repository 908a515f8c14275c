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
    private let loader: BatchLoader
    private let log: JSONLinesLog
    private let events: TensorBoardLog
    private let reporter: ProgressReporter?
    private let preview: Preview
    private let started = ProcessInfo.processInfo.systemUptime
    private var savedAt: Double
    private var savedStep: Int?
    private var idleSeconds = 0.0
    private var tickedAt: Double
    private var tickedImages: Int
    private var shown: [ProgressReporter.Group] = []

    init(run: TrainingRun, limit: TrainingLimit, subset: [Int]?, output: ConsoleOutput?) throws {
        (directory, trainer, record) = (run.directory, run.trainer, run.record)
        settings = trainer.recipe.training
        self.limit = limit
        let clock = trainer.clock
        loader = BatchLoader(
            store: run.store, batchSize: trainer.recipe.batchSize, seed: record.seed,
            augmentation: trainer.recipe.data.augmentation, subset: subset, position: clock.images, threads: 1
        )
        log = try JSONLinesLog(path: directory.logPath, resumingAt: run.resumedAt?.steps)
        events = try TensorBoardLog(folder: directory.eventsPath, resumingAt: run.resumedAt?.steps)
        preview = Preview(recipe: trainer.recipe)
        (savedAt, tickedAt) = (started, started)
        tickedImages = clock.images
        savedStep = run.resumedAt?.steps
        let totals = [
            limit.kimg.map { Int($0 * 1000) } ?? Int(settings.totalKimg * 1000),
            limit.steps.map { clock.images + max(0, $0 - clock.steps) * run.trainer.imagesPerStep },
        ].compactMap { $0 }
        reporter = output.map {
            ProgressReporter(
                totalImages: totals.min(), totalSeconds: limit.minutes.map { $0 * 60 }, output: $0)
        }
    }

    func run(isCancelled: () -> Bool) throws -> TrainingRun.Outcome {
        if savedStep == nil { try writePreview() }
        do {
            while true {
                if let outcome = outcome(isCancelled()) {
                    try save()
                    try finish()
                    return outcome
                }
                let before = trainer.clock.images
                try trainer.step(loader.next)
                try between(before: before)
            }
        } catch TrainingError.diverged(let what, let step, _) {
            reporter?.finish()
            let kept =
                savedStep.map { "The state of step \($0) is kept in \(directory.lastPath)." }
                ?? "No state had been saved yet."
            throw TrainingError.diverged(what: what, step: step, kept: kept)
        }
    }

    private func outcome(_ isCancelled: Bool) -> TrainingRun.Outcome? {
        let clock = trainer.clock
        if isCancelled { return .interrupted }
        if let steps = limit.steps, clock.steps >= steps { return .finished }
        if clock.kimg >= limit.kimg ?? settings.totalKimg { return .finished }
        if let minutes = limit.minutes, now - started >= minutes * 60 { return .outOfTime }
        return nil
    }

    private var now: Double { ProcessInfo.processInfo.systemUptime }

    private func between(before: Int) throws {
        let clock = trainer.clock
        if clock.steps % settings.logSteps == 0 {
            try tick()
            if now - savedAt >= settings.saveMinutes * 60 { try save() }
        }
        if !shown.isEmpty { reporter?.update(images: clock.images, shown) }
        if Preview.isDue(from: before, to: clock.images, every: settings.previewKimg * 1000) {
            try writePreview()
        }
        if settings.keepKimg > 0 {
            let every = settings.keepKimg * 1000
            if (Double(before) / every).rounded(.down) < (Double(clock.images) / every).rounded(.down) {
                try save(to: directory.keptPath(images: clock.images))
            }
        }
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

    private func save() throws {
        guard savedStep != trainer.clock.steps else { return }
        try save(to: directory.lastPath)
        savedStep = trainer.clock.steps
        savedAt = now
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
        try checkpoint.write(to: path)
    }

    private func writePreview() throws {
        let grid = preview.grid(trainer.average?.generator ?? trainer.generator)
        let png = try grid.png()
        let clock = trainer.clock
        try AtomicFile.write(png, to: directory.previewPath(images: clock.images))
        try events.image("faces", png: png, width: grid.width, height: grid.height, step: clock.steps)
    }

    private func finish() throws {
        try writePreview()
        try Preview.writeFilm(of: directory.previews, to: directory.filmPath, origin: Model.software)
        reporter?.finish()
    }
}
