import ArgumentParser
import Console
import Downloads
import Downloads
import Foundation

/// `facegan data download`: public data sets from their official addresses.
struct DataDownload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Fetch LFW or CelebA from their official addresses.",
        discussion: """
            Fetches the archive and the label files with the 'curl' program. A broken connection is continued where it \
            broke, also by running the same command again; what has come is kept in NAME.part. Every file is compared with \
            its published checksum before it gets its name, and its SHA-256 is printed.

            Both data sets are for non-commercial research only.

            CelebA lies on Google Drive, which sends a web page instead of the file when too many people have fetched it \
            that day. Then wait, or fetch it in a browser and put it into the folder: the command continues with the files \
            that are missing.

            LFW's own server is often away. Without --edition, the deep-funneled edition is tried first and then the \
            funneled one from scikit-learn's mirror: the same photographs, aligned in another way.

            Examples:
              facegan data download lfw --to data/lfw
              facegan data download celeba --to data/celeba
              facegan data download celeba --to data --url https://mirror.example/celeba/
            """)

    enum Name: String, ExpressibleByArgument, CaseIterable { case lfw, celeba }

    @Argument(help: "lfw (13,233 photographs, about 110 MB) or celeba (202,599 photographs, 1.4 GB).")
    var name: Name

    @Option(help: "The folder to put the files into.")
    var to: String

    @Option(help: "LFW's edition: deepfunneled, funneled or original.")
    var edition: DownloadCatalog.LFWEdition?

    @Option(
        help:
            "Another address of the archive, or with a slash at the end of the folder that has all files. Repeatable."
    )
    var url: [String] = []

    @Option(help: "The SHA-256 that the archive must have, instead of the published checksum.")
    var sha256: String?

    func validate() throws {
        if edition != nil, name != .lfw { throw ValidationError("--edition: only LFW has editions.") }
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
        let first = DownloadCatalog.lfw(edition ?? .deepfunneled)
        do {
            try fetch(adapt(first, isArchive: true), output)
        } catch let error as DownloadError where edition == nil && url.isEmpty {
            let second = DownloadCatalog.lfw(.funneled)
            output.writeLine(
                "\(error)\nFetching \(second.fileName) instead: the same photographs, aligned in another way."
            )
            try fetch(adapt(second, isArchive: true), output)
        }
    }

    /// One file that cannot be had does not keep the others away.
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

                Google Drive limits how often a file may be fetched in a day and then sends a page instead. Try again in \
                some hours, or open \(DownloadCatalog.celebAPage) in a browser, fetch the files from the linked folder \
                while signed in, and put them into \(to). What has come is kept, and the same command continues from there.
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
            "\(result.wasThere ? "There already" : "Fetched"): \(result.path), \(Readable.bytes(result.byteCount)), \(state)"
        )
        output.writeLine("  sha256 \(result.sha256)")
    }
}

extension DownloadCatalog.LFWEdition: ExpressibleByArgument {}
