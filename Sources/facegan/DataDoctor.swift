import ArgumentParser
import Console
import Datasets
import Files
import Foundation

/// `facegan data doctor`: everything that is wrong with a set of pictures.
struct DataDoctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find every bad picture, duplicate and label problem.",
        discussion: """
            Decodes all pictures and never stops at a bad one. Bad are files that cannot be decoded whole: empty, \
            truncated or damaged ones, web pages in the place of pictures, failed checksums, absurd sizes. Reported \
            besides: copies of the same file, different files that show the same picture (resized, compressed again, \
            mirrored), unusual sizes, gray, transparent, 16-bit, CMYK and EXIF-turned pictures, and labels that do not \
            match the pictures. The checksum of a packed store is verified.

            Exits with 1 if there is a bad picture or the archive is damaged.

            Examples:
              facegan data doctor img_align_celeba.zip
              facegan data doctor photos/ --protocol celeba64-178 --json report.json
              facegan data doctor photos/ --quarantine bad.txt
              facegan data prepare photos/ --exclude bad.txt --out photos.faces
            """)

    @Argument(help: "Folder, archive, packed store or built-in faces; see 'facegan data --help'.")
    var source: String

    @Option(
        name: .customLong("protocol"),
        help: "Also list the pictures that are too small for this protocol's crop, such as celeba64-178.")
    var protocolName: String?

    @Option(help: "Write the whole report to this file as JSON.")
    var json: String?

    @Option(help: "Write the names of bad pictures to this file, for 'data prepare --exclude'.")
    var quarantine: String?

    @Flag(help: "Put all but the first of every group of duplicates into the quarantine too.")
    var quarantineDuplicates = false

    @Flag(inversion: .prefixedNo, help: "Look for different files that show the same picture.")
    var nearDuplicates = true

    @Option(help: "Threads that decode.")
    var threads: Int?

    func validate() throws {
        if let threads, threads < 1 {
            throw ValidationError("--threads: expected 1 or more, got \(threads).")
        }
        if quarantineDuplicates, quarantine == nil {
            throw ValidationError("--quarantine-duplicates: name the file with --quarantine.")
        }
    }

    func run() throws {
        Interrupt.install()
        var options = SourceDoctor.Options()
        options.data = try protocolName.map { try DataProtocol.parse($0) }
        options.findsNearDuplicates = nearDuplicates
        options.threads = threads
        let pictures = try SourceOpener.open(source)
        let output = ConsoleOutput.standardOutput
        output.writeLine("Examining \(pictures.name) (\(Readable.count(pictures.count, "picture")))")

        let line = ProgressLine("examining", total: pictures.count, unit: .things("pictures"))
        var badCount = 0
        let report: SourceReport
        do {
            report = try SourceDoctor.examine(
                pictures, options: options,
                progress: { done, total in
                    line.update(done, total: total, note: badCount > 0 ? "\(badCount) bad" : "")
                },
                found: { bad in
                    badCount += 1
                    line.print(
                        "\(output.styled("bad", .red))  \(PictureNames.oneLine(bad.name)): \(bad.reason)")
                },
                cancelled: { Interrupt.isRequested })
        } catch is CancellationError {
            line.finish("Stopped; \(Readable.count(badCount, "bad picture")) so far.")
            throw ExitCode(Interrupt.exitStatus)
        }
        line.finish()
        DoctorPrinter(report: report, output: output).write()
        try writeFiles(report)
        if !report.isHealthy { throw ExitCode(1) }
    }

    private func writeFiles(_ report: SourceReport) throws {
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try AtomicFile.write(Array(try encoder.encode(report)) + [0x0A], to: json)
        }
        if let quarantine {
            var lines = report.bad.map { (name: $0.name, reason: $0.reason) }
            if quarantineDuplicates {
                for group in report.exactDuplicates + report.nearDuplicates {
                    lines += group.names.dropFirst().map { ($0, "the same as " + group.names[0]) }
                }
            }
            let text = lines.map {
                PictureNames.oneLine($0.name) + "\t" + PictureNames.oneLine($0.reason) + "\n"
            }.joined()
            try AtomicFile.write(Array(text.utf8), to: quarantine)
        }
    }
}

/// `facegan data …`: everything about pictures before training.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Look at, check, pack and fetch pictures.",
        discussion: """
            A SOURCE is a folder of pictures, a zip or tar archive (.zip, .tar, .tgz) of one, a packed store that \
            'data prepare' wrote, or built-in faces, which need no files at all: builtin:2000, or builtin:2000@7 for \
            those of seed 7.

            CelebA is recognized by its label files (list_attr_celeba.txt and the others, beside the pictures or in \
            Anno/ and Eval/), LFW by its folder for every person, FFHQ and the like by NVlabs' dataset.json.
            """,
        subcommands: [
            DataDownload.self, DataDoctor.self, DataPreview.self, DataPrepare.self, DataMeasure.self,
        ])
}
