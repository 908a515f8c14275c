import ArgumentParser
import Console
import Downloads
import Foundation
import Models
import PretrainedWeights
import Torch

/// `facegan weights`: published weights of feature networks.
struct WeightsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weights",
        abstract: "List, download and add published weights for metrics and detection.",
        discussion: """
            FID, LPIPS and similar metrics are defined by published networks, which FaceGAN does not include. The command \
            keeps them in ~/.cache/facegan/weights, or in $FACEGAN_CACHE/weights. They are then available offline.
            """,
        subcommands: [WeightsList.self, WeightsGet.self, WeightsAdd.self])
}

/// `facegan weights add`: copy of a weights file in the cache.
struct WeightsAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a weights file to the cache.",
        discussion: """
            Reads a PyTorch state dictionary (.pth, .pt) without executing code in it, or a safetensors file. The checksum, \
            or the keys and shapes, identify the weights. Weights that differ only in their input range require --as.

            Examples:
              facegan weights add pt_inception-2015-12-05-6726825d.pth
              facegan weights add squeezenet1_1.pth --as squeezenet-caffe
            """)

    @Argument(help: "Weights file; it is copied.")
    var file: String

    @Option(name: .customLong("as"), help: "Key of the weights; see 'facegan weights list'.")
    var key: String?

    func run() throws {
        try DeviceOptions.prepareCPU()
        let output = ConsoleOutput.standardOutput
        let record = try WeightsCache.default.add(file, as: key)
        output.writeLine("\(record.key): kept, \(Readable.bytes(record.byteCount)), keys and shapes fit")
        output.writeLine("  sha256 \(record.sha256)")
        if let known = WeightsCatalog[record.key] {
            output.writeLine("  \(known.about)\n  \(known.publisher); \(known.license)")
        }
    }
}

/// `facegan weights get`: downloads of weights.
struct WeightsGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Download weights from their publishers.",
        discussion: """
            Downloads with the program 'curl', resumes interrupted downloads (also by the same command later), compares the \
            checksum if one is published, and checks every key and shape before the file is kept.

            Examples:
              facegan weights get inception
              facegan weights get vgg16 lpips-vgg
              facegan weights get vgg16 --url https://mirror.example/vgg16.pth
            """)

    @Argument(help: "Keys of the weights; see 'facegan weights list'.")
    var keys: [String]

    @Option(help: "Another address of the file; requires one key. Repeatable.")
    var url: [String] = []

    @Option(help: "SHA-256 of the file, in place of the published one; requires one key.")
    var sha256: String?

    func validate() throws {
        if keys.count > 1, !url.isEmpty || sha256 != nil {
            throw ValidationError("--url and --sha256 require one key, got \(keys.joined(separator: ", ")).")
        }
        try DownloadChecks.validate(urls: url, sha256: sha256)
    }

    func run() throws {
        try DeviceOptions.prepareCPU()
        Interrupt.install()
        let output = ConsoleOutput.standardOutput
        do {
            for key in keys { try fetch(key, output) }
        } catch is CancellationError {
            output.writeLine("Stopped; the same command resumes the download.")
            throw ExitCode(Interrupt.exitStatus)
        } catch let error as DownloadError {
            throw CommandError(
                "\(error)\nTo use a copy from another place, run: facegan weights add FILE")
        }
    }

    private func fetch(_ key: String, _ output: ConsoleOutput) throws {
        let cache = WeightsCache.default
        if let record = cache.record(of: key), sha256 == nil || sha256?.lowercased() == record.sha256 {
            output.writeLine("\(key): already present, sha256 \(record.sha256)")
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
        output.writeLine("\(key): downloaded, \(Readable.bytes(record.byteCount)), keys and shapes fit")
        output.writeLine("  sha256 \(record.sha256)")
        if let known = WeightsCatalog[key] { output.writeLine("  \(known.publisher); \(known.license)") }
    }
}

/// `facegan weights list`: known weights and their state.
struct WeightsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List known weights, their licenses, and whether they are in the cache.",
        discussion: """
            Examples:
              facegan weights list
              facegan weights list --paths
            """)

    @Flag(help: "List key, SHA-256 and path of the files in the cache only.")
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
        var table = Table(
            ["key", "cached", "size", "license", "description"], alignments: [.left, .left, .right])
        for model in BundledModels.all {
            let file = try? BundledWeights.path(of: model.file)
            let size = file.flatMap { try? FileManager.default.attributesOfItem(atPath: $0)[.size] as? Int }
            table.add([
                model.name, file == nil ? "missing" : "included", size.map { Readable.bytes($0) } ?? "",
                model.terms,
                model.about,
            ])
        }
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
            "included: a model of this program; use its name, such as `facegan generate \(BundledModels.all[0].name)`."
        )
        output.writeLine(
            "get: download with `facegan weights get KEY`. add: add a file with `facegan weights add FILE --as KEY`."
        )
        output.writeLine(
            "The weights of torchvision were trained on ImageNet, whose pictures are for research.")
        output.writeLine("Cache: \(cache.folder)")
    }
}
