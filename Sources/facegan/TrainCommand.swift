import ArgumentParser
import Checkpoints
import Console
import Datasets
import Foundation
import Recipes
import Runs
import Settings
import Torch
import TorchNN
import Training

extension Precision: ExpressibleByArgument {}

/// `facegan train`: starts or resumes a run.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a GAN on face photographs, or resume a run.",
        discussion: """
            The run directory holds the resolved recipe, a log, TensorBoard events, preview grids of the same faces over \
            time, and saved states. The same command resumes a run that was stopped or killed, with the same result as \
            without the interruption. Ctrl-C saves and ends; a second Ctrl-C ends at once.

            Examples:
              facegan train --recipe dcgan --data builtin:20000 --minutes 5
              facegan train --recipe dcgan --data celeba.zip --out runs/celeba
              facegan train --out runs/celeba                 (resumes it)
              facegan train --recipe progan --preset small --data celeba.zip
              facegan train --recipe dcgan --data celeba.zip --set batchSize=64
              facegan train --recipe my.yaml --data photos/ --dry-run
              facegan train --recipe dcgan --data photos/ --from runs/celeba
              facegan train --from celeba64 --data photos/ --out runs/mine
              facegan train --from celeba64 --data photos/ --out big --set resolution=128
              facegan train --out runs/mine --until-plateau --kimg 5000
              facegan train --recipe dcgan --data photos/ --until-plateau 8
            """)

    @Option(
        help:
            "Name of a recipe (see 'facegan recipes') or path of a YAML file. (default: the recipe of the resumed run)"
    )
    var recipe: String?

    @Option(help: "Preset of the recipe, such as small, which is sized for two processors.")
    var preset: String?

    @Option(help: "Folder, archive, packed store or builtin:N. (default: the pictures of the resumed run)")
    var data: String?

    @Option(
        help:
            "A run, a model file, or an included model such as celeba64 to start from. Its networks must have the sizes of the recipe; a StyleGAN2 may be for smaller pictures."
    )
    var from: String?

    @Option(help: ArgumentHelp("Run directory. (default: runs/NAME-OF-THE-RECIPE)"))
    var out: String?

    @Option(
        parsing: .unconditional,
        help: "Length of the whole run, in thousands of images. (default: from the recipe)")
    var kimg: Double?

    @Option(parsing: .unconditional, help: "Length of the whole run, in steps.")
    var steps: Int?

    @Option(parsing: .unconditional, help: "Limit of this session, in minutes.")
    var minutes: Double?

    @Option(
        defaultAsFlag: 5, parsing: .next,
        help: ArgumentHelp(
            "End the run when the score has not improved by more than its noise in n evaluations.",
            valueName: "n"))
    var untilPlateau: Int? = nil

    @Option(
        name: .customLong("set"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Change values of the recipe. May be repeated.", valueName: "path=value ..."))
    var overrides: [String] = []

    @Option(parsing: .unconditional, help: ArgumentHelp("Seed of the random streams. (default: 0)"))
    var seed: UInt64?

    @Option(
        help: "fp32, bf16 or auto. auto uses bf16 where the processor has it, which is about twice as fast.")
    var precision: Precision = .auto

    @OptionGroup var place: DeviceOptions

    @Flag(
        inversion: .prefixedNo,
        help:
            "Record training steps on CUDA as graphs, which are replayed with one call. No effect on the CPU."
    )
    var graphs = true

    @Flag(help: "Show the resolved recipe, label problems, sizes, memory and time; do not train.")
    var dryRun = false

    @Flag(help: "Remove the run in the folder and restart.")
    var restart = false

    func validate() throws {
        try place.validate()
        try NumberRange.check("--kimg", kimg, 0.001...1e9)
        try NumberRange.check("--minutes", minutes, 0.001...1e7)
        try NumberRange.check("--steps", steps, 1...1_000_000_000_000)
        try NumberRange.check("--until-plateau", untilPlateau, 1...100_000)
    }

    func run() throws {
        Interrupt.install()
        let console = ConsoleOutput.standardError
        if recipe == nil, from == nil, out == nil {
            throw CommandError(
                "Name a recipe (--recipe dcgan) to start a run, or a run directory (--out) to resume one.")
        }
        if from != nil, out == nil {
            throw CommandError("--from starts a separate run; name its folder, such as --out runs/mine.")
        }
        let resumes = out.map { !restart && RunDirectory.holdsRun($0) } ?? false
        let recipe = try resolvedRecipe(resumes: resumes)
        let limit = TrainingLimit(kimg: kimg, steps: steps, minutes: minutes, plateau: untilPlateau)
        try limit.check(for: recipe)
        let folder = out ?? "runs/\(recipe.name)"
        let known = !restart && RunDirectory.holdsRun(folder) ? try RunRecord(folder: folder) : nil
        let device = try place.prepare()
        if dryRun { return try describe(recipe, source: data ?? known?.data, device: device) }
        guard let source = data ?? known?.data else {
            throw CommandError(
                "Name the pictures to train on, such as --data img_align_celeba.zip or --data builtin:20000.")
        }
        let store = try openStore(source, recipe, console)
        let run = try TrainingRun(
            recipe: recipe, store: store, data: source, folder: folder, seed: seed, device: device,
            precision: precision, start: from, restart: restart, usesGraphs: graphs)
        greet(run, console)
        let before = run.resumedAt
        let outcome: TrainingRun.Outcome
        do {
            outcome = try run.run(until: limit, output: console)
        } catch TorchError.outOfMemory(let reason) where before == nil && run.trainer.clock.steps <= 1 {
            // The run did not begin: without its files, the next command may have other settings.
            try run.directory.clear()
            throw TorchError.outOfMemory(reason)
        }
        let clock = run.trainer.clock
        let state = "\(Readable.count(clock.images, "image")) in \(Readable.count(clock.steps, "step"))"
        let peak = ProcessMemory.peak.map { "; memory \(Readable.bytes($0)) at its peak" } ?? ""
        let again = "facegan train --out \(folder)" + (untilPlateau.map { " --until-plateau \($0)" } ?? "")
        switch outcome {
        case .finished where clock == before:
            console.writeLine(
                "Nothing to do: the run has \(state) already. To train longer: \(again) --kimg N")
        case .finished: console.writeLine("Finished: \(state)\(peak). \(Self.use(of: run))")
        case .plateau:
            let count = run.plateau?.count ?? 0
            console.writeLine(
                "Plateau: the score has not improved by more than its noise in \(Readable.count(count, "evaluation"))."
                    + " \(clock == before ? "Nothing to do" : "Finished"): \(state)\(peak). \(Self.use(of: run))"
                    + " To train longer: facegan train --out \(folder)")
        case .outOfTime: console.writeLine("Time limit reached: \(state)\(peak). To resume: \(again)")
        case .interrupted:
            console.writeLine("Stopped: \(state), saved in \(folder). To resume: \(again)")
            throw ExitCode(Interrupt.exitStatus)
        }
    }

    /// The command that uses a finished run, and its best score.
    private static func use(of run: TrainingRun) -> String {
        let folder = run.directory.path
        let best = run.best.map { " Best score: \($0.summary); its state is used with --best." } ?? ""
        return switch run.trainer.recipe.system {
        case .adversarial: "Faces: facegan generate \(folder) --seeds 0-63 --out faces.png.\(best)"
        case .attributes: "Model file: facegan export \(folder) --half --out face.safetensors.\(best)"
        case .restoration, .conversion: "Scores: facegan evaluate \(folder).\(best)"
        }
    }

    private func resolvedRecipe(resumes: Bool) throws -> Recipe {
        if preset != nil, recipe == nil {
            throw CommandError("--preset requires --recipe; a resumed run keeps its recipe.")
        }
        if recipe == nil, !resumes, let from {
            return try SettingsDocument.decode(
                yaml: ModelFile(from).recipe().yaml, path: "\(from) (recipe inside)", overrides: overrides)
        }
        let name = recipe ?? out.map { $0 + "/recipe.yaml" } ?? "dcgan"
        if recipe == nil, !resumes {
            throw CommandError(
                "\(out ?? ""): no run to resume; name a recipe, such as --recipe dcgan.")
        }
        return try Recipe.load(name, preset: preset, overrides: overrides)
    }

    private func openStore(_ source: String, _ recipe: Recipe, _ console: ConsoleOutput) throws -> FaceStore {
        let line = ProgressLine("packing \(source)", total: nil, unit: .things("pictures"), output: console)
        do {
            return try TrainingData.open(
                source, for: recipe, progress: { line.update($0, total: $1) },
                cancelled: { Interrupt.isRequested },
                packed: { report in
                    line.finish(
                        "packed \(Readable.count(report.written, "picture")) in \(Readable.duration(report.seconds))"
                            + (report.bad.isEmpty
                                ? ""
                                : "; skipped \(report.bad.count) bad ones (facegan data doctor \(source))"))
                    for note in report.noteLines { console.writeLine("note: \(note)") }
                })
        } catch is CancellationError {
            line.finish("Stopped while packing; nothing was written.")
            throw ExitCode(Interrupt.exitStatus)
        }
    }

    private func greet(_ run: TrainingRun, _ console: ConsoleOutput) {
        let trainer = run.trainer
        console.writeLine(
            "\(trainer.recipe.name) at \(trainer.recipe.resolution)x\(trainer.recipe.resolution) on "
                + "\(Readable.count(run.store.count, "picture")) (\(run.store.data)), batch \(trainer.recipe.batchSize(images: trainer.clock.images)), "
                + "\(trainer.precision.rawValue) on \(trainer.device)"
                + (trainer.kernels == .plain ? " with plain kernels" : "") + ", seed \(run.record.seed)")
        console.writeLine(
            trainer.networks.map { "\($0.name) \(Readable.count($0.network.parameterCount))" }
                .joined(separator: " and ") + " parameters; run in \(run.directory.path)"
        )
        if case .adversarial(let settings) = trainer.recipe.system, settings.grows,
            let end = kimg ?? (steps == nil ? trainer.recipe.training.totalKimg : nil),
            case let grown = settings.growth.endKimg(resolution: trainer.recipe.resolution), end < grown
        {
            console.writeLine(
                "note: the networks reach full resolution after \(Readable.fixed(grown, 0)) kimg, the run ends at "
                    + "\(Readable.fixed(end, 0)): its faces have a lower resolution and are enlarged")
        }
        for note in run.notes { console.writeLine("note: \(note)") }
        if let clock = run.resumedAt {
            console.writeLine(
                "resuming at step \(Readable.count(clock.steps)), \(Readable.count(clock.images)) images")
        }
    }

    /// Labels of the pictures, after their number and their label problems are printed.
    private func checkedLabels(of source: String, _ output: ConsoleOutput) throws -> Labels {
        let pictures = try SourceOpener.open(source)
        output.writeLine("\(pictures.name): \(Readable.count(pictures.count, "picture"))")
        for line in SkippedFile.summary(pictures.skipped) {
            output.writeLine("skipped: \(PictureNames.oneLine(line))")
        }
        for line in LabelSummary.lines(pictures.labelIssues) { output.writeLine("labels: \(line)") }
        return pictures.labels
    }

    private func describe(_ recipe: Recipe, source: String?, device: Device) throws {
        let output = ConsoleOutput.standardOutput
        output.write(recipe.yaml)
        output.writeLine()
        let labels = try source.map { try checkedLabels(of: $0, output) } ?? TrainingEstimate.labels
        let trainer = try recipe.trainer(labels: labels, seed: 0, precision: .fp32)
        for (name, network) in trainer.networks {
            output.writeLine("\(name): \(Readable.count(network.parameterCount)) parameters\n\(network)")
        }
        output.writeLine()
        let resolved = precision.resolved(for: device)
        output.writeLine("measuring a few steps in \(resolved.rawValue) on \(device) ...")
        let estimate = try TrainingEstimate.measure(recipe, device: device, precision: precision)
        let images = (kimg ?? recipe.training.totalKimg) * 1000
        output.writeLine(
            "\(Readable.rate(estimate.imagesPerSecond)) images/s; \(Readable.count(Int(images))) images take about "
                + Readable.duration(images / estimate.imagesPerSecond)
                + (estimate.peakBytes.map { "; memory about \(Readable.bytes($0))" } ?? ""))
    }
}
