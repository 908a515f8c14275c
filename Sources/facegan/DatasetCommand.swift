import ArgumentParser
import Checkpoints
import Console
import Datasets
import FaceDatasets
import Foundation
import Models
import Synthesis
import Torch

/// `facegan dataset`: a labeled data set of generated faces.
struct DatasetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset",
        abstract: "Write a labeled data set of generated faces, with its datasheet.",
        discussion: """
            Writes pictures with attributes, seeds, latents, hashes and splits, a datasheet (README.md), Croissant metadata \
            and a manifest. Duplicates are removed, with --against also near copies of the training photographs. With the \
            detector (facegan weights get yunet), every picture has a box and five landmarks.

            The same command gives the same bytes. After an interruption, also by kill -9, repeat it to continue.

            Examples:
              facegan dataset celeba64 --count 50000 --out faces
              facegan dataset celeba64 --count 20000 --psi 0.8 --balance Male,Young
              facegan dataset celeba64 --count 10000 --against celeba.faces
              facegan dataset celeba64 --count 10000 --per-identity 5 --out people
              facegan dataset runs/conditional --count 1000 --attr Smiling=1
              facegan dataset celeba64 --count 5000 --format webdataset,stylegan
            """)

    @Argument(help: "A run directory, a model file, or an included model such as celeba64.")
    var model: String

    @Option(parsing: .unconditional, help: "Number of pictures.")
    var count: Int

    @Option(
        help: ArgumentHelp(
            "Folder of the data set: new, empty, or one of an interrupted command. (default: dataset)"))
    var out = "dataset"

    @Option(
        help: ArgumentHelp(
            "Layouts, separated by commas: imagefolder, webdataset, stylegan, celeba. (default: imagefolder)",
            valueName: "name,..."),
        transform: { try DatasetFormats($0) })
    var format: DatasetFormats?

    @Option(
        name: .customLong("attr"),
        help: ArgumentHelp(
            "Attributes that a conditional model is asked for; others vary as in the training pictures.",
            valueName: "name=1,..."),
        transform: { try AttributeList($0) })
    var attributes: AttributeList?

    @Option(
        help: ArgumentHelp(
            "Attributes of the face network whose combinations have equal numbers of pictures.",
            valueName: "name,..."))
    var balance: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Pictures of each person, from the same coarse rows of w+. Requires a style generator.",
            valueName: "count"))
    var perIdentity = 1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Rows of w+ that the pictures of a person share. (default: 60 % of the rows)", valueName: "count")
    )
    var identityRows: Int?

    @Option(
        help: ArgumentHelp(
            "Percentages of the training, validation and test part. No person is in two parts.",
            valueName: "train/validation/test"))
    var splits = "80/10/10"

    @Option(
        help: ArgumentHelp(
            "Training photographs: near copies of them are removed, and scores are computed.",
            valueName: "source"))
    var against: String?

    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp("Data protocol of the photographs. (default: that of the model)"))
    var protocolName: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Fraction of the photographs that have a nearer neighbor among themselves than the limit for copies.",
            valueName: "fraction"))
    var copyQuantile = 0.001

    @Option(
        help: ArgumentHelp(
            "Latents to write: z, w, or none; w is written as w+ if its rows differ. (default: z,w)",
            valueName: "space,..."),
        transform: { try DatasetLatents($0) })
    var latents: DatasetLatents?

    @Flag(help: "Keep pictures that are nearly equal to an earlier one.")
    var keepDuplicates = false

    @Flag(help: "Remove pictures in which the detector finds no face.")
    var requireFace = false

    @Option(parsing: .unconditional, help: "Seed of the first candidate.")
    var seed: UInt64 = 0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Limit of the examined candidates. (default: 50 times --count, and 10000 or more)",
            valueName: "count"))
    var maxCandidates: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Truncation of a style generator: below 1, faces are more typical and vary less. (default: 1)"))
    var psi: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Number of rows of w+ that --psi changes, from the first one. (default: all)"))
    var cutoff: Int?

    @Option(help: "Noise inputs of a style generator: const, random (depends on the latents), or none.")
    var noise: SynthesisOptions.Noise = .const

    @Option(
        help: ArgumentHelp(
            "Face network of the attributes: a run or model of the recipe attributes. (default: included)",
            valueName: "model"))
    var face: String?

    @Option(help: ArgumentHelp("Name of the data set in its metadata. (default: from the model)"))
    var name: String?

    @Option(help: "License of the data set in its metadata.")
    var license = FaceDatasetPlan.standardLicense

    @Option(
        help: ArgumentHelp(
            "Date of publication in the metadata, such as 2026-11-28. (default: none)", valueName: "day"))
    var date: String?

    @Flag var weights: WeightsChoice = .ema

    @Flag(help: "Use the state of a run with the best score, in place of the newest.")
    var best = false

    @Option(
        parsing: .unconditional,
        help: "Upper limit of the faces that are computed at once. Bounds the memory; does not change faces.")
    var batch = GeneratorRunner.batchSize

    @Option(
        help:
            "fp32, bf16 or auto. auto uses bf16 where it is faster; values change by up to about 2 levels of 255."
    )
    var precision: Precision = .auto

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        if let psi, !psi.isFinite || abs(psi) > 10 {
            throw ValidationError("--psi: expected a number from -10 to 10, got \(psi).")
        }
        try NumberRange.check("--cutoff", cutoff, 0...64)
        if cutoff != nil, psi == nil { throw ValidationError("--cutoff requires --psi.") }
        try NumberRange.check("--count", count, 1...FaceDatasetPlan.countLimit)
        try NumberRange.check("--per-identity", perIdentity, 1...64)
        try NumberRange.check("--identity-rows", identityRows, 1...64)
        try NumberRange.check("--copy-quantile", copyQuantile, 0...0.5)
        try NumberRange.check("--max-candidates", maxCandidates, 1...1_000_000_000)
        try NumberRange.check("--batch", batch, NumberRange.batch)
        if protocolName != nil, against == nil { throw ValidationError("--protocol requires --against.") }
        guard !out.isEmpty else { throw ValidationError("--out: expected a folder, got an empty text.") }
        do { try plan(referenceProtocol: nil).validate() } catch let error as FaceDatasetError {
            throw ValidationError(error.description)
        }
    }

    private func plan(referenceProtocol: Datasets.DataProtocol?) throws -> FaceDatasetPlan {
        var plan = FaceDatasetPlan(
            model: model, count: count,
            folder: out.count > 1 && out.hasSuffix("/") ? String(out.dropLast()) : out)
        plan.formats = format?.values ?? [.imageFolder]
        (plan.firstSeed, plan.splits) = (seed, try SplitShares(splits))
        (plan.picturesPerIdentity, plan.identityRows) = (perIdentity, identityRows)
        plan.balance = balance?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
        plan.requested = attributes?.wanted ?? []
        plan.options = SynthesisOptions(psi: psi ?? 1, cutoff: cutoff, noise: noise)
        (plan.state, plan.weights, plan.precision) = (best ? .best : .last, weights.value, precision)
        (plan.face, plan.reference, plan.referenceProtocol) = (face, against, referenceProtocol)
        (plan.copyQuantile, plan.candidateLimit) = (copyQuantile, maxCandidates)
        (plan.removesDuplicates, plan.requiresFace) = (!keepDuplicates, requireFace)
        plan.latentSpaces = latents?.values ?? [.z, .w]
        (plan.name, plan.license, plan.date, plan.batchSize) = (name, license, date, batch)
        return plan
    }

    func run() async throws {
        Interrupt.install()
        // Threads that spin while they wait for the next layer would slow down the threads that encode.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let plan = try plan(referenceProtocol: try protocolName.map { try DataProtocol.parse($0) })
        let builder = FaceDatasetBuilder(plan, device: try place.prepare(), threads: place.threads)
        let display = DatasetProgress(count: count)
        do {
            let summary = try await cancelledByInterrupt {
                try await builder.build(progress: display.show) { display.print($0) }
            }
            display.finish()
            report(summary, plan)
        } catch is CancellationError {
            display.finish()
            ConsoleOutput.standardError.writeLine(
                "Stopped. To continue the data set in \(plan.folder), repeat the command.")
            throw ExitCode(Interrupt.exitStatus == 0 ? 1 : Interrupt.exitStatus)
        } catch {
            display.finish()
            throw error
        }
    }

    private func report(_ summary: FaceDatasetSummary, _ plan: FaceDatasetPlan) {
        let output = ConsoleOutput.standardOutput
        let parts = DataSplit.allCases.compactMap { split in
            summary.splits[split.rawValue].map { "\(split.rawValue) \(Readable.count($0))" }
        }
        output.writeLine(
            "Wrote \(Readable.count(summary.count, "picture")) of "
                + "\(Readable.count(summary.identities, "identity", plural: "identities")) to \(plan.folder)/ "
                + "(\(parts.joined(separator: ", ")))")
        var table = Table(["", ""], alignments: [.left, .right])
        table.add(["examined candidates", Readable.count(summary.examined)])
        table.add(["accepted", Readable.fixed(100 * summary.acceptance, 1) + " %"])
        for reason in RejectionReason.allCases {
            guard let count = summary.rejected[reason.rawValue] else { continue }
            table.add([reason.text, Readable.count(count)])
        }
        for cell in summary.cells where !cell.name.isEmpty {
            let seen = 100 * Double(cell.seen * plan.picturesPerIdentity) / Double(max(1, summary.examined))
            table.add([
                cell.name,
                "\(Readable.count(cell.accepted)) (seen in \(Readable.fixed(seen, 1)) % of the candidates)",
            ])
        }
        if let detected = summary.detected { table.add(["with a detected face", Readable.count(detected)]) }
        for score in summary.scores {
            let interval = score.low.flatMap { low in
                score.high.map { " (\(Readable.fixed(low, 3)) to \(Readable.fixed($0, 3)))" }
            }
            table.add([score.name, Readable.fixed(score.value, 3) + (interval ?? "")])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
        output.writeLine("Datasheet: \(plan.folder)/README.md")
    }
}

/// Progress lines of the stages of a data set.
private final class DatasetProgress: Sendable {
    private let selecting: ProgressLine
    private let other = LiveLine()

    init(count: Int) { selecting = ProgressLine("generating", total: count, unit: .things("candidates")) }

    @Sendable func show(_ stage: FaceDatasetBuilder.Stage) {
        switch stage {
        case .readingPhotographs(let done, let total):
            other.show("reading photographs  \(Readable.count(done))/\(Readable.count(total))")
        case .selecting(let done, let total, let examined, let expected):
            other.clear()
            selecting.update(
                examined, total: max(examined, expected ?? total),
                note: "\(Readable.count(done)) of \(Readable.count(total)) pictures")
        case .scoring:
            selecting.finish()
            other.show("computing statistics")
        case .writing(let name, let done, let total):
            other.show("writing \(name)  \(Readable.count(done))/\(Readable.count(total))")
        }
    }

    func print(_ text: String) { other.print(text) }

    func finish() {
        selecting.finish()
        other.clear()
    }
}

/// Layouts of the command line.
struct DatasetFormats {
    let values: [FaceDatasetPlan.Format]

    /// - Throws: `ValidationError` for an unknown layout.
    init(_ text: String) throws {
        values = try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            guard let format = FaceDatasetPlan.Format(rawValue: String(name)) else {
                let all = FaceDatasetPlan.Format.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--format: expected \(all), separated by commas; got \(name).")
            }
            return format
        }
    }
}

/// Latent spaces of the command line.
struct DatasetLatents {
    let values: [LatentPoint.Space]

    /// - Throws: `ValidationError` for other names than z, w and none.
    init(_ text: String) throws {
        if text == "none" {
            values = []
            return
        }
        values = try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            guard let space = LatentPoint.Space(rawValue: String(name)), space != .wPlus else {
                throw ValidationError("--latents: expected z, w, z,w or none; got \(text).")
            }
            return space
        }
    }
}
