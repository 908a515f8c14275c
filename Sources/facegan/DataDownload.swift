import ArgumentParser
import Console
import Downloads
import Foundation

/// `facegan data download`: downloads of public data sets.
struct DataDownload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Download LFW or CelebA from their official addresses.",
        discussion: """
            Downloads the archive and the label files with the program 'curl'. An interrupted download is resumed, also by \
            the same command later; NAME.part holds the received part. Every file is compared with its published checksum \
            before it gets its name, and its SHA-256 is printed.

            Both data sets are for non-commercial research only.

            CelebA is on Google Drive, which limits downloads per day and then sends a web page. In this case, try again \
            later, or download it in a browser and move it to the folder: the command then downloads the missing files.

            Without --edition, LFW is the funneled edition, from the mirror of scikit-learn. The server of LFW is often not \
            available. No SHA-256 of the deep-funneled edition is published, so that it requires --sha256.

            Examples:
              facegan data download lfw --to data/lfw
              facegan data download celeba --to data/celeba
              facegan data download celeba --to data --url https://mirror.example/celeba/
            """)

    enum Name: String, ExpressibleByArgument, CaseIterable { case lfw, celeba }

    @Argument(help: "lfw (13,233 photographs, about 110 MB) or celeba (202,599 photographs, 1.4 GB).")
    var name: Name

    @Option(help: "Folder of the files.")
    var to: String

    @Option(help: "LFW's edition: funneled, deepfunneled or original.")
    var edition: DownloadCatalog.LFWEdition?

    @Option(
        help:
            "Another address of the archive, or an address of a folder with all files (ends in a slash). Repeatable."
    )
    var url: [String] = []

    @Option(help: "SHA-256 of the archive, in place of the published checksum.")
    var sha256: String?

    func validate() throws {
        if edition != nil, name != .lfw { throw ValidationError("--edition requires lfw.") }
        try DownloadChecks.validate(urls: url, sha256: sha256)
    }

    func run() throws {
        Interrupt.install()
        let output = ConsoleOutput.standardOutput
        do {
            switch name {
            case .lfw:
                output.writeLine("LFW is for non-commercial research: \(DownloadCatalog.lfwPage)")
                try fetchLFW(output)
            case .celeba:
                output.writeLine("CelebA is for non-commercial research: \(DownloadCatalog.celebAPage)")
                try fetchCelebA(output)
            }
        } catch is CancellationError {
            output.writeLine("Stopped; the same command resumes the download.")
            throw ExitCode(Interrupt.exitStatus)
        }
        output.writeLine("Next: facegan data doctor \(to)")
    }

    private func fetchLFW(_ output: ConsoleOutput) throws {
        let file = adapt(DownloadCatalog.lfw(edition ?? .funneled), isArchive: true)
        guard file.checksum != nil else {
            throw CommandError(
                "\(file.fileName): no SHA-256 of this edition is published. Give the one that you trust with --sha256, or"
                    + " download the edition funneled.")
        }
        try fetch(file, output)
    }

    /// A file that fails does not stop the others.
    private func fetchCelebA(_ output: ConsoleOutput) throws {
        var failures: [DownloadError] = []
        for (index, file) in DownloadCatalog.celebA.enumerated() {
            do {
                try fetch(adapt(file, isArchive: index == 0), output)
            } catch let error as DownloadError {
                failures.append(error)
            }
        }
        guard !failures.isEmpty else { return }
        throw DownloadError(
            failures.map(\.description).joined(separator: "\n") + """

                Google Drive limits downloads of a file per day. Try again in some hours, or open \
                \(DownloadCatalog.celebAPage) in a browser, sign in, download the files from the linked folder, and move them \
                to \(to). Received parts are kept; the same command resumes the download.
                """)
    }

    /// The file with the addresses and the checksum of the options.
    private func adapt(_ file: Download, isArchive: Bool) -> Download {
        var file = file
        let folders = url.filter { $0.hasSuffix("/") }.map { $0 + file.fileName }
        let addresses = folders + (isArchive ? url.filter { !$0.hasSuffix("/") } : [])
        if !addresses.isEmpty { file.addresses = addresses }
        if isArchive, let sha256 { file.checksum = .sha256(sha256) }
        return file
    }

    private func fetch(_ file: Download, _ output: ConsoleOutput) throws {
        let line = ProgressLine(file.fileName, total: nil, unit: .bytes)
        defer { line.finish() }
        let result = try Downloader().fetch(
            file, to: to,
            events: { event in
                switch event {
                case .progress(let done, let total): line.update(done, total: total)
                case .note(let text): line.print("\(file.fileName): \(text)")
                }
            }, cancelled: { Interrupt.isRequested })
        line.finish()
        let state = result.isVerified ? "checksum matches" : "no published checksum"
        output.writeLine(
            "\(result.wasThere ? "Already present" : "Downloaded"): \(result.path), \(Readable.bytes(result.byteCount)), \(state)"
        )
        output.writeLine("  sha256 \(result.sha256)")
    }
}

extension DownloadCatalog.LFWEdition: ExpressibleByArgument {}
