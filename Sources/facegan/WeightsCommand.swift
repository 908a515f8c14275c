import ArgumentParser
import Console
import Downloads
import Models
import PretrainedWeights
import Torch

/// `facegan weights …`: published weights that pictures are judged with.
struct WeightsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weights",
        abstract: "List, fetch and bring in the weights of others that pictures are judged with.",
        discussion: """
            FID, LPIPS and their like are defined by networks that others trained. None of them comes with FaceGAN. Fetched \
            or brought in once, they are kept in ~/.cache/facegan/weights (or $FACEGAN_CACHE/weights) and found from then on, \
            also without a network.
            """,
        subcommands: [WeightsList.self, WeightsGet.self, WeightsAdd.self])
}

/// `facegan weights add`: keeps a copy of a file of weights.
struct WeightsAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Bring in a file of weights that you have.",
        discussion: """
            Takes a PyTorch state dictionary (.pth, .pt), without running any of it, or a safetensors file. Its checksum, or \
            its keys and shapes, tell what it is; files that want other pictures but have the same keys need --as.

            Examples:
              facegan weights add pt_inception-2015-12-05-6726825d.pth
              facegan weights add squeezenet1_1.pth --as squeezenet-caffe
            """)

    @Argument(help: "The file; it is copied.")
    var file: String

    @Option(name: .customLong("as"), help: "What it is; see 'facegan weights list'.")
    var key: String?

    func run() throws {
        try Engine.load()
        let output = ConsoleOutput.standardOutput
        let record = try WeightsCache.default.add(file, as: key)
        output.writeLine("\(record.key): kept, \(Readable.bytes(record.byteCount)), keys and shapes fit")
        output.writeLine("  sha256 \(record.sha256)")
        if let known = WeightsCatalog[record.key] {
            output.writeLine("  \(known.about)\n  \(known.publisher); \(known.license)")
        }
    }
}

/// `facegan weights get`: fetches weights from their publishers.
struct WeightsGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Fetch weights from their publishers.",
        discussion: """
            Fetches with the 'curl' program, resumes broken downloads (also if the same command is run again), \
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
            output.writeLine("Stopped; the same command resumes the download.")
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

/// `facegan weights list`: which weights there are, and which are here.
struct WeightsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the weights that are known, their licenses, and which are here.",
        discussion: """
            Examples:
              facegan weights list
              facegan weights list --paths
            """)

    @Flag(help: "Show only the files that are here: key, SHA-256 and path.")
    var paths = false

    func run() throws {
        let output = ConsoleOutput.standardOutput
        let cache = WeightsCache.default
        if paths {
            for known in WeightsCatalog.all {
                guard let record = cache.record(of: known.key), let path = cache.path(of: known.key) else {
                    continue
                }
                output.writeLine("\(known.key)\t\(record.sha256)\t\(path)")
            }
            return
        }
        var table = Table(["key", "here", "size", "license", "what"], alignments: [.left, .left, .right])
        for known in WeightsCatalog.all {
            let isHere = cache.record(of: known.key) != nil
            let state = isHere ? "yes" : known.addresses.isEmpty ? "add" : "get"
            let size = known.megabytes.map { Readable.bytes(Int($0 * 1e6)) } ?? ""
            let license = String(known.license.prefix { $0 != ";" })
            table.add([known.key, state, size, license, "\(known.about) (\(known.publisher))"])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
        output.writeLine()
        output.writeLine(
            "get: `facegan weights get KEY` fetches it. add: bring it with `facegan weights add FILE --as KEY`."
        )
        output.writeLine("torchvision's were trained on ImageNet, whose pictures are for research.")
        output.writeLine("Kept in \(cache.folder)")
    }
}
