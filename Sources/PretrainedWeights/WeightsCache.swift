import Downloads
import Files
import Foundation
import Settings

/// Cache of published weights on this machine: files named by their SHA-256, and a record for each key.
///
/// The folder is `$FACEGAN_CACHE/weights`, or `~/.cache/facegan/weights` without this variable.
public struct WeightsCache: Sendable {
    /// Record of a cached file, in `KEY.json`.
    public struct Record: Codable, Sendable, Equatable {
        /// Key in the catalog.
        public let key: String
        /// SHA-256 of the file, in hexadecimal.
        public let sha256: String
        /// Size of the file.
        public let byteCount: Int
        /// Original name of the file.
        public let fileName: String
    }

    /// Folder of the cache.
    public let folder: String

    /// - Parameter folder: nil for the default folder.
    public init(folder: String? = nil) { self.folder = folder ?? CacheFolder.path + "/weights" }

    /// Cache in the default folder.
    public static var `default`: WeightsCache { WeightsCache() }

    /// Record of a key; nil if the file is missing or has another size.
    public func record(of key: String) -> Record? {
        guard WeightsCatalog[key] != nil,
            let data = FileManager.default.contents(atPath: recordPath(key)),
            let record = try? JSONDecoder().decode(Record.self, from: data), record.key == key,
            record.sha256.count == 64, record.sha256.allSatisfy(\.isHexDigit),
            (try? MappedFile(path: filePath(record.sha256)))?.count == record.byteCount
        else { return nil }
        return record
    }

    /// Path of the file of a key; nil if it is missing.
    public func path(of key: String) -> String? { record(of: key).map { filePath($0.sha256) } }

    /// Path of the file of a key, after comparison with its SHA-256.
    /// - Throws: `WeightsError` for an unknown key, and for a file that is missing or has changed, with the command that downloads
    ///   it; `FileError`.
    public func verifiedPath(of key: String) throws -> String {
        guard let known = WeightsCatalog[key] else { throw Self.unknown(key) }
        guard let record = record(of: key) else { throw Self.missing([known]) }
        let path = filePath(record.sha256)
        guard try Digest.sha256(file: path) == record.sha256 else {
            throw WeightsError(
                "\(path): the weights \(key) have changed since they were added: delete the file and run "
                    + "`\(known.command)`")
        }
        return path
    }

    /// Copies a file to the cache.
    /// - Parameters:
    ///   - file: PyTorch state dictionary or safetensors file.
    ///   - key: key of the weights; nil recognizes them by checksum, keys and shapes.
    /// - Throws: `WeightsError` for unknown or ambiguous weights, and for weights that do not fit the key; `FileError`.
    @discardableResult
    public func add(_ file: String, as key: String? = nil) throws -> Record {
        let (known, sha256) = try WeightsRecognition.recognize(file, as: key)
        return try keep(file, known, sha256) { try FileManager.default.copyItem(atPath: file, toPath: $0) }
    }

    /// Downloads weights, and adds the file to the cache if its content is correct. Resumes an earlier download.
    /// - Parameters:
    ///   - key: key in the catalog.
    ///   - addresses: addresses in place of those of the publisher.
    ///   - sha256: expected SHA-256 in place of the published checksum.
    ///   - events: called with the progress and notes of the download.
    ///   - cancelled: called during the download.
    /// - Throws: `DownloadError` with the reason for every address; `WeightsError` for wrong content; `FileError`;
    ///   `CancellationError`.
    public func fetch(
        _ key: String, addresses: [String] = [], sha256: String? = nil,
        events: (Downloader.Event) -> Void = { _ in }, cancelled: () -> Bool = { false }
    ) throws -> Record {
        guard let known = WeightsCatalog[key] else { throw Self.unknown(key) }
        let places = addresses.isEmpty ? known.addresses : addresses
        guard !places.isEmpty else {
            throw WeightsError(
                "\(key): no known address of this file. Add a copy of it with "
                    + "`\(known.command)`.")
        }
        let download = Download(
            fileName: known.fileName, addresses: places,
            checksum: sha256.map { .sha256($0) } ?? known.checksum,
            content: .weights)
        let place = "\(folder)/\(key).download"
        // Removes the folder if it is empty; a partial file stays.
        defer { rmdir(place) }
        let path = try Downloader().fetch(download, to: place, events: events, cancelled: cancelled).path
        let found: (known: KnownWeights, sha256: String)
        do {
            found = try WeightsRecognition.recognize(path, as: key)
        } catch {
            // Without this, the same command would use the same wrong file again.
            try? FileManager.default.removeItem(atPath: path)
            throw error
        }
        return try keep(path, found.known, found.sha256) {
            try FileManager.default.moveItem(atPath: path, toPath: $0)
        }
    }

    private func filePath(_ sha256: String) -> String { "\(folder)/\(sha256)" }
    private func recordPath(_ key: String) -> String { "\(folder)/\(key).json" }

    /// Writes the file, then the record, so that a record never names an incomplete file.
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
                "\(folder): the weights cannot be written: \(error.localizedDescription): check the free space, or "
                    + "set FACEGAN_CACHE to a writable folder")
        }
        return record
    }
}

extension WeightsCache {
    /// Error that lists all missing weights.
    static func missing(_ weights: [KnownWeights]) -> WeightsError {
        let lines = weights.map { known in
            let size = known.megabytes.map { $0 >= 1 ? ", \(Int($0.rounded())) MB" : "" } ?? ""
            return "  \(known.key): \(known.about) (\(known.publisher); \(known.license)\(size))\n"
                + "    \(known.command)"
                + (known.addresses.isEmpty
                    ? "" : "\n    facegan weights add \(known.fileName)   (an existing copy)")
        }
        return WeightsError(
            "these weights are missing; the program does not include them:\n"
                + lines.joined(separator: "\n"))
    }

    static func unknown(_ key: String) -> WeightsError {
        let keys = WeightsCatalog.all.map(\.key)
        let guess = Suggestion.closest(to: key, in: keys).map { " Did you mean `\($0)`?" } ?? ""
        return WeightsError(
            "\(key): no such weights.\(guess) Keys: \(keys.joined(separator: ", ")).")
    }
}

/// Error for weights that are missing, changed, or of another network. The description names the file, the problem and a remedy.
public struct WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Message for the user.
    public let description: String

    /// - Parameter description: message for the user.
    public init(_ description: String) { self.description = description }
}

/// Weights that are included in the folder `Weights` of the sources or of the bundle.
public enum BundledWeights {
    /// Path of an included file.
    /// - Parameter file: name of the file.
    /// - Throws: `WeightsError` with the searched folders if there is no such file.
    public static func path(of file: String) throws -> String {
        let files = FileManager.default
        var folders = ProcessInfo.processInfo.environment["FACEGAN_WEIGHTS"].map { [$0] } ?? []
        // The executable is in a bundle, or in the build folder of this package or of a package that depends on it.
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
            "\(file): the weights of the program are missing (searched \(folders.joined(separator: ", ")));"
                + " set FACEGAN_WEIGHTS to the folder of the file")
    }
}
