import ArgumentParser
import Console
import Datasets
import Files
import Foundation
import Imaging

/// Data protocol of samples.
struct ProtocolOptions: ParsableArguments {
    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp("Data protocol, such as celeba64-178. (default: from the kind of source)"))
    var name: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Width and height of a sample in pixels, without --protocol. (default: 64)"))
    var resolution: Int?

    @Option(
        help: ArgumentHelp(
            "Color behind transparent pixels: white, black, gray, or six hexadecimal digits. (default: white)"
        ))
    var background: String?

    func validate() throws {
        if name != nil, resolution != nil {
            throw ValidationError("--resolution is part of the protocol; give one of the two.")
        }
        if let background, Background(background) == nil {
            throw ValidationError(
                "--background: expected white, black, gray, or six hexadecimal digits such as f0f0f0, got "
                    + "'\(background)'.")
        }
    }

    /// The requested protocol; else that of a packed store; else the usual one for the kind of source.
    /// - Throws: `DataError` for an unknown name.
    func resolve(for source: any PictureSource) throws -> Datasets.DataProtocol {
        let data = try unpainted(for: source)
        return background.flatMap(Background.init).map(data.over) ?? data
    }

    private func unpainted(for source: any PictureSource) throws -> Datasets.DataProtocol {
        if let name { return try DataProtocol.parse(name) }
        if resolution == nil, let packed = source.packedProtocol { return packed }
        return try source.kind.suggestedProtocol(size: resolution ?? 64)
    }
}

extension DataSplit: ExpressibleByArgument {}

/// Text file with one name per line. Text after a tab is a comment.
enum NameList {
    static func read(_ path: String) throws -> Set<FileName> {
        let file = try MappedFile(path: path)
        let lines = try file.bytes(file.all).split { $0 == 10 || $0 == 13 }
        return Set(lines.map { FileName(String(decoding: $0.prefix { $0 != 9 }, as: UTF8.self)) })
    }
}

/// Summary of label problems: one line for every kind.
enum LabelSummary {
    static func lines(_ issues: [LabelIssue]) -> [String] {
        LabelIssue.Kind.allCases.compactMap { kind in
            let found = issues.filter { $0.kind == kind }
            guard let first = found.first else { return nil }
            return found.count == 1
                ? "\(first)" : "\(found.count) of the kind '\(kind.rawValue)', the first: \(first)"
        }
    }
}

/// Validation of the options of downloads.
enum DownloadChecks {
    /// - Throws: `ValidationError` for an invalid address or checksum.
    static func validate(urls: [String], sha256: String?) throws {
        if let sha256, sha256.count != 64 || !sha256.allSatisfy(\.isHexDigit) {
            throw ValidationError("--sha256: expected 64 hexadecimal digits.")
        }
        for address in urls where !address.hasPrefix("http://") && !address.hasPrefix("https://") {
            throw ValidationError(
                "--url: expected an address that begins with http:// or https://, got \(address).")
        }
    }
}

/// `facegan data measure`: throughput of the batch loader, for `make bench`.
struct DataMeasure: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measure the throughput of the batch loader.",
        discussion: """
            Examples:
              facegan data measure celeba.faces --batch-size 64 --seconds 2
            """,
        shouldDisplay: false)

    @Argument(help: "A packed store.")
    var store: String

    @Option(parsing: .unconditional, help: "Samples per batch.")
    var batchSize = 64

    @Option(parsing: .unconditional, help: "Duration of each measurement, in seconds.")
    var seconds = 2.0

    @Option(parsing: .unconditional, help: "Number of loader threads.")
    var threads = 2

    func validate() throws {
        try NumberRange.check("--batch-size", batchSize, NumberRange.batch)
        try NumberRange.check("--seconds", seconds, NumberRange.seconds)
        try NumberRange.check("--threads", threads, NumberRange.threads)
    }

    func run() throws {
        let store = try FaceStore(path: store)
        let output = ConsoleOutput.standardOutput
        for (name, augmentation) in [("plain", Augmentation.none), ("flips", .flips), ("full", .full)] {
            let loader = BatchLoader(
                store: store, batchSize: batchSize, seed: 0, augmentation: augmentation, threads: threads)
            // The first epoch reads the file into memory.
            for _ in 0..<(store.count / batchSize) { _ = loader.next() }
            let start = Date()
            var images = 0
            while Date().timeIntervalSince(start) < seconds { images += loader.next().count }
            let rate = Double(images) / Date().timeIntervalSince(start)
            output.writeLine("\(name)  \(Int(rate)) images/s")
        }
    }
}
