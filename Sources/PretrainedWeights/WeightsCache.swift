import Downloads
import Files
import Foundation
import Settings

/// Weights of others on this machine, in files named by their SHA-256, with a small record for each key.
///
/// They lie in `$FACEGAN_CACHE/weights`, else in `~/.cache/facegan/weights`.
public struct WeightsCache: Sendable {
    /// What is known about a file that is here; `KEY.json` beside it.
    public struct Record: Codable, Sendable, Equatable {
        public let key: String
        public let sha256: String
        public let byteCount: Int
        /// The name that the file had where it came from.
        public let fileName: String
    }

    public let folder: String

    /// - Parameter folder: nil takes the usual one.
    public init(folder: String? = nil) { self.folder = folder ?? CacheFolder.path + "/weights" }

    /// The usual one.
    public static var `default`: WeightsCache { WeightsCache() }

    /// The record of a key whose file is here in its whole length.
    public func record(of key: String) -> Record? {
        guard WeightsCatalog[key] != nil,
            let data = FileManager.default.contents(atPath: recordPath(key)),
            let record = try? JSONDecoder().decode(Record.self, from: data), record.key == key,
            record.sha256.count == 64, record.sha256.allSatisfy(\.isHexDigit),
            (try? MappedFile(path: filePath(record.sha256)))?.count == record.byteCount
        else { return nil }
        return record
    }

    /// The file of a key; nil if it is not here.
    public func path(of key: String) -> String? { record(of: key).map { filePath($0.sha256) } }

    /// The file of a key, compared with its SHA-256.
    /// - Throws: `WeightsError` if it is not here or has changed, with the command that brings it.
    public func verifiedPath(of key: String) throws -> String {
        guard let known = WeightsCatalog[key] else { throw Self.unknown(key) }
        guard let record = record(of: key) else { throw Self.missing([known]) }
        let path = filePath(record.sha256)
        guard try Digest.sha256(file: path) == record.sha256 else {
            throw WeightsError(
                "\(path): the weights \(key) have changed since they came: delete the file and bring it again with "
                    + "`\(known.command)`")
        }
        return path
    }

    /// Copies a file in, under the key that it is asked for, or that its checksum, keys and shapes tell.
    /// - Throws: `WeightsError` if it is nothing that is known, does not fit, or could be two things; `FileError`.
    @discardableResult
    public func add(_ file: String, as key: String? = nil) throws -> Record {
        let (known, sha256) = try WeightsRecognition.recognize(file, as: key)
        return try keep(file, known, sha256) { try FileManager.default.copyItem(atPath: file, toPath: $0) }
    }

    /// Downloads weights, resuming an earlier attempt, and keeps the file if its content is right.
    /// - Parameters:
    ///   - addresses: instead of the publisher's.
    ///   - sha256: that the file must have, instead of what is known.
    /// - Throws: `DownloadError` with every address' reason, `WeightsError`, `CancellationError`.
    public func fetch(
        _ key: String, addresses: [String] = [], sha256: String? = nil,
        events: (Downloader.Event) -> Void = { _ in }, cancelled: () -> Bool = { false }
    ) throws -> Record {
        guard let known = WeightsCatalog[key] else { throw Self.unknown(key) }
        let places = addresses.isEmpty ? known.addresses : addresses
        guard !places.isEmpty else {
            throw WeightsError(
                "\(key): nobody publishes this file at an address that is known here. Bring it with "
                    + "`\(known.command)`.")
        }
        let download = Download(
            fileName: known.fileName, addresses: places,
            checksum: sha256.map { .sha256($0) } ?? known.checksum,
            content: .weights)
        let place = "\(folder)/\(key).download"
        // Goes only if it is empty: what has come of a file stays.
        defer { rmdir(place) }
        let path = try Downloader().fetch(download, to: place, events: events, cancelled: cancelled).path
        let found: (known: KnownWeights, sha256: String)
        do {
            found = try WeightsRecognition.recognize(path, as: key)
        } catch {
            // Else the same command would look at the same wrong file for ever.
            try? FileManager.default.removeItem(atPath: path)
            throw error
        }
        return try keep(path, found.known, found.sha256) {
            try FileManager.default.moveItem(atPath: path, toPath: $0)
        }
    }

    private func filePath(_ sha256: String) -> String { "\(folder)/\(sha256)" }
    private func recordPath(_ key: String) -> String { "\(folder)/\(key).json" }

    /// Puts a file in its place, then its record, so that a record never names a file that is not whole.
    private func keep(
        _ file: String, _ known: KnownWeights, _ sha256: String, put: (String) throws -> Void
    ) throws -> Record {
        let record = Record(
            key: known.key, sha256: sha256, byteCount: try MappedFile(path: file).count,
            fileName: (file as NSString).lastPathComponent)
        let target = filePath(sha256)
        let temporary = "\(target).\(ProcessInfo.processInfo.processIdentifier)"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: temporary) }
            try put(temporary)
            guard rename(temporary, target) == 0 else { throw CocoaError(.fileWriteUnknown) }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try encoder.encode(record).write(
                to: URL(fileURLWithPath: recordPath(known.key)), options: .atomic)
        } catch {
            throw WeightsError(
                "\(folder): the weights cannot be kept there: \(error.localizedDescription): check the free space, or "
                    + "set FACEGAN_CACHE to a folder that may be written")
        }
        return record
    }
}

extension WeightsCache {
    /// Everything that must be brought before something can begin, in one message.
    static func missing(_ weights: [KnownWeights]) -> WeightsError {
        let lines = weights.map { known in
            let size = known.megabytes.map { $0 >= 1 ? ", \(Int($0.rounded())) MB" : "" } ?? ""
            return "  \(known.key): \(known.about) (\(known.publisher); \(known.license)\(size))\n"
                + "    \(known.command)"
                + (known.addresses.isEmpty
                    ? "" : "\n    facegan weights add \(known.fileName)   (a copy of yours)")
        }
        return WeightsError(
            "these weights are not here, and this program does not come with them:\n"
                + lines.joined(separator: "\n"))
    }

    static func unknown(_ key: String) -> WeightsError {
        let keys = WeightsCatalog.all.map(\.key)
        let guess = Suggestion.closest(to: key, in: keys).map { " Did you mean `\($0)`?" } ?? ""
        return WeightsError(
            "\(key): no such weights.\(guess) There are: \(keys.joined(separator: ", ")).")
    }
}

/// Pretrained weights that are missing, changed or of another network; says what, where and what to do.
public struct WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// Weights that come with the program, in the folder `Weights` of its sources or of its bundle.
public enum BundledWeights {
    /// - Throws: `WeightsError` with where was looked.
    public static func path(of file: String) throws -> String {
        let files = FileManager.default
        var folders = ProcessInfo.processInfo.environment["FACEGAN_WEIGHTS"].map { [$0] } ?? []
        // The program lies in a bundle or in the build folder of this package or of one that depends on it.
        var place = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        for _ in 0..<5 {
            guard let folder = place, folder.path != "/" else { break }
            folders += [folder.path + "/Weights", folder.path + "/checkouts/FaceGAN/Weights"]
            place = folder.deletingLastPathComponent()
        }
        for folder in folders where files.fileExists(atPath: folder + "/" + file) {
            return folder + "/" + file
        }
        throw WeightsError(
            "\(file): the weights that come with the program are missing (looked in \(folders.joined(separator: ", ")));"
                + " set FACEGAN_WEIGHTS to the folder that holds them")
    }
}
