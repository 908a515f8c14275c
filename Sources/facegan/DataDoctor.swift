import ArgumentParser
import Console
import Datasets
import Files
import Foundation

/// `facegan data doctor`: problems of a set of pictures.
struct DataDoctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find bad pictures, duplicates and label problems.",
        discussion: """
            Decodes all pictures and does not stop at a bad one. Bad pictures are files that cannot be decoded completely: \
            empty, truncated or damaged files, web pages in place of pictures, failed checksums, invalid sizes. Also \
            reported: copies of the same file, different files with the same picture (resized, recompressed, mirrored), \
            unusual sizes, gray, transparent, 16-bit, CMYK and EXIF-rotated pictures, labels that do not match the \
            pictures, and files that are not pictures. The checksum of a packed store is verified.

            The exit status is 1 if there is a bad picture or a malformed label row, or the archive is damaged.

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

    @Flag(help: "Also quarantine all but the first picture of every group of duplicates.")
    var quarantineDuplicates = false

    @Flag(inversion: .prefixedNo, help: "Search for different files with the same picture.")
    var nearDuplicates = true

    @Option(parsing: .unconditional, help: "Number of decoding threads.")
    var threads: Int?

    func validate() throws {
        try NumberRange.check("--threads", threads, NumberRange.threads)
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
        try OutputPath.check([json, quarantine], inputs: [source])
        let pictures = try SourceOpener.open(source)
        let output = OutputPath.messages(json, quarantine)
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
                        "\(output.styled("bad", .red))  \(PictureNames.oneLine(bad.name)): \(bad.kind.rawValue): \(bad.reason)"
                    )
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

/// `facegan data`: commands for data sets.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Check, preview, pack and download pictures.",
        discussion: """
            A SOURCE is a folder of pictures, an archive of one (.zip, .tar, .tgz), a packed store of 'data prepare', or \
            rendered faces, which need no files: builtin:2000, or builtin:2000@7 for seed 7.

            CelebA is recognized by its label files (list_attr_celeba.txt and others, in the folder or archive or next to \
            it), CelebA-HQ and FFHQ by their folders, LFW by its folders of persons, and other sets with labels by \
            dataset.json in the format of NVlabs.
            """,
        subcommands: [
            DataDownload.self, DataDoctor.self, DataPreview.self, DataPrepare.self, DataMeasure.self,
        ])
}
