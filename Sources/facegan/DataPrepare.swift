import ArgumentParser
import Console
import Datasets
import Foundation

/// `facegan data prepare`: packed store of a source.
struct DataPrepare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare",
        abstract: "Pack pictures into one store for fast training.",
        discussion: """
            Decodes, crops and resizes every picture once, under a named protocol, and writes one file that training maps \
            into memory. Bad pictures are skipped and listed. The store is a safetensors file with a checksum; it is \
            written atomically.

            Protocols: celeba64-178, celeba64-148, celeba64-108 (three common crops of CelebA, whose scores cannot be \
            compared), lfw64-160, faces64 (rendered faces), square64 (the largest centered square). 64 may be any power of \
            two from 8 to 1024. Without --protocol, the kind of the source selects it.

            Training packs a source when necessary. Use this command to pack it in advance, elsewhere, or in part.

            Examples:
              facegan data prepare celeba.zip --protocol celeba64-178 --out celeba.faces
              facegan data prepare lfw-deepfunneled.tgz --resolution 128 --out lfw.faces
              facegan data prepare builtin:20000 --out toy.faces
              facegan data prepare photos/ --exclude bad.txt --out photos.faces
            """)

    @Argument(help: "Folder, archive or built-in faces; see 'facegan data --help'.")
    var source: String

    @Option(help: "File of the packed store, such as celeba.faces.")
    var out: String

    @OptionGroup var choice: ProtocolOptions

    @Option(parsing: .unconditional, help: "Limit of the packed pictures.")
    var limit: Int?

    @Option(help: "Only this part of CelebA: train, validation or test.")
    var split: DataSplit?

    @Option(
        help:
            "File with names of pictures to skip, one per line, such as that of 'data doctor --quarantine'."
    )
    var exclude: String?

    @Option(parsing: .unconditional, help: "Number of decoding threads. The store does not depend on it.")
    var threads: Int?

    func validate() throws {
        try NumberRange.check("--limit", limit, NumberRange.pictures)
        try NumberRange.check("--threads", threads, NumberRange.threads)
        try choice.validate()
    }

    func run() throws {
        Interrupt.install()
        try OutputPath.check([out], inputs: [source, exclude])
        let pictures = try SourceOpener.open(source)
        let data = try choice.resolve(for: pictures)
        let options = PreparationOptions(
            limit: limit, split: split, excluded: try exclude.map(NameList.read) ?? [],
            threads: threads)
        let output = OutputPath.messages(out)
        output.writeLine(
            "Packing \(pictures.name) (\(Readable.count(pictures.count, "picture"))) under \(data)")

        let line = ProgressLine("packing", total: nil, unit: .things("pictures"))
        let report: StorePreparation.Report
        do {
            report = try StorePreparation.prepare(
                source: pictures, protocol: data, to: out, options: options,
                progress: { line.update($0, total: $1) }, cancelled: { Interrupt.isRequested })
        } catch is CancellationError {
            line.finish("Stopped; nothing was written.")
            throw ExitCode(Interrupt.exitStatus)
        }
        line.finish()

        for picture in report.bad.prefix(20) {
            output.writeLine("bad: \(PictureNames.oneLine("\(picture)"))")
        }
        if report.bad.count > 20 {
            output.writeLine(
                "bad: \(Readable.count(report.bad.count - 20)) more; 'facegan data doctor \(source)' lists them all"
            )
        }
        for note in report.noteLines { output.writeLine("note: \(note)") }
        for line in SkippedFile.summary(pictures.skipped) {
            output.writeLine("skipped: \(PictureNames.oneLine(line))")
        }
        for summary in LabelSummary.lines(pictures.labelIssues) { output.writeLine("labels: \(summary)") }
        let rate = Readable.rate(Double(report.written + report.bad.count) / max(report.seconds, 1e-9))
        output.writeLine(
            "Wrote \(out): \(Readable.count(report.written, "picture")), \(Readable.bytes(report.byteCount)), in "
                + "\(Readable.duration(report.seconds)) (\(rate) pictures/s)")
        output.writeLine("Content \(report.contentHash.prefix(16))")
    }
}
