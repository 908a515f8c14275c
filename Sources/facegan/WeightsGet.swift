import ArgumentParser
import Console
import Downloads
import PretrainedWeights
import Torch

/// `facegan weights get`: fetches weights from their publishers.
struct WeightsGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Fetch weights from their publishers.",
        discussion: """
            Fetches with the 'curl' program, goes on where a connection broke (also by running the same command again), \
            compares the checksum where one is published, and looks at every key and shape before the file is kept.

            Examples:
              facegan weights get inception
              facegan weights get vgg16 lpips-vgg
              facegan weights get vgg16 --url https://mirror.example/vgg16.pth
            """)

    @Argument(help: "What to fetch; see 'facegan weights list'.")
    var keys: [String]

    @Option(help: "Another address of the file; for one key. Repeatable.")
    var url: [String] = []

    @Option(help: "The SHA-256 that the file must have, instead of the published one; for one key.")
    var sha256: String?

    func validate() throws {
        if keys.count > 1, !url.isEmpty || sha256 != nil {
            throw ValidationError("--url and --sha256 are for one key, got \(keys.joined(separator: ", ")).")
        }
        try DownloadChecks.validate(urls: url, sha256: sha256)
    }

    func run() throws {
        try Engine.load()
        Interrupt.install()
        let output = ConsoleOutput.standardOutput
        do {
            for key in keys { try fetch(key, output) }
        } catch is CancellationError {
            output.writeLine("Stopped; the same command goes on from here.")
            throw ExitCode(Interrupt.exitStatus)
        } catch let error as DownloadError {
            throw CommandError(
                "\(error)\nA copy from elsewhere will do, too: facegan weights add FILE")
        }
    }

    private func fetch(_ key: String, _ output: ConsoleOutput) throws {
        let cache = WeightsCache.default
        if let record = cache.record(of: key), sha256 == nil || sha256?.lowercased() == record.sha256 {
            output.writeLine("\(key): there already, sha256 \(record.sha256)")
            return
        }
        let line = ProgressLine(key, total: nil, unit: .bytes)
        defer { line.finish() }
        let record = try cache.fetch(
            key, addresses: url, sha256: sha256?.lowercased(),
            events: { event in
                switch event {
                case .progress(let done, let total): line.update(done, total: total)
                case .note(let text): line.print("\(key): \(text)")
                }
            }, cancelled: { Interrupt.isRequested })
        line.finish()
        output.writeLine("\(key): fetched, \(Readable.bytes(record.byteCount)), keys and shapes fit")
        output.writeLine("  sha256 \(record.sha256)")
        if let known = WeightsCatalog[key] { output.writeLine("  \(known.publisher); \(known.license)") }
    }
}
