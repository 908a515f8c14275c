import Files
import Foundation
import Imaging

/// The pictures of a tar archive, plain or gzipped, in the archive's order, which is the order they can be read in.
public struct TarSource: PictureSource {
    public let name: String
    public let names: [String]
    public let damage: String?
    public let fingerprint: String
    public var kind: SourceKind { .tar }
    public var readsInOrder: Bool { true }
    private let archive: TarArchive

    /// Reads through the archive once for the names. Throws `FileError` if nothing of it can be read.
    public init(path: String) throws {
        name = (path as NSString).lastPathComponent
        archive = try TarArchive(path: path)
        var names: [String] = []
        var digest = Fingerprint("tar")
        var damage: String?
        do {
            try archive.forEach { entry, _ in
                guard PictureNames.isPicture(entry.name) else { return true }
                names.append(entry.name)
                digest.add(entry.name)
                digest.add(entry.size)
                return true
            }
        } catch {
            guard !names.isEmpty else { throw error }
            damage = "\(error)"
        }
        self.names = names
        self.damage = damage
        digest.add(contentsOf: try TarSource.ends(of: path))
        fingerprint = digest.finish()
    }

    public func content(at index: Int, size: Int) throws -> PictureContent {
        var found: Result<PictureContent, any Error>?
        try forEach(size: size) { position, content in
            if position == index { found = content }
            return position < index
        }
        guard let found else { throw DataError("\(name): the picture \(names[index]) is gone") }
        return try found.get()
    }

    public func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws {
        var index = 0
        try archive.forEach { entry, read in
            guard PictureNames.isPicture(entry.name) else { return index < names.count }
            guard entry.name == names[index] else {
                throw DataError("\(name): the archive changed while it was read: start again")
            }
            let content = Result { PictureContent.encoded(try read()) }
            index += 1
            return try body(index - 1, content) && index < names.count
        }
    }

    /// The file's length and both ends: the end of a gzip file is the CRC of everything in it.
    private static func ends(of path: String) throws -> [UInt8] {
        let file = try MappedFile(path: path)
        let length = min(file.count, 65_536)
        var bytes = try file.bytes(0..<length) + file.bytes((file.count - length)..<file.count)
        withUnsafeBytes(of: UInt64(file.count).littleEndian) { bytes += $0 }
        return bytes
    }
}

/// The pictures of a zip archive, sorted by their path. Nothing is unpacked to disk.
public struct ZipSource: PictureSource {
    public let name: String
    public let names: [String]
    public let fingerprint: String
    public var kind: SourceKind { .zip }
    let archive: ZipArchive
    private let entries: [ZipArchive.Entry]

    /// Throws `FileError` if the archive's directory cannot be read.
    public init(path: String) throws {
        self.init(archive: try ZipArchive(path: path), path: path)
    }

    init(archive: ZipArchive, path: String) {
        name = (path as NSString).lastPathComponent
        self.archive = archive
        // Two entries of one name: the later one is what unpacking would leave.
        var latest: [String: ZipArchive.Entry] = [:]
        for entry in archive.entries where PictureNames.isPicture(entry.name) { latest[entry.name] = entry }
        entries = latest.values.sorted { PictureNames.precedes($0.name, $1.name) }
        names = entries.map(\.name)
        // The directory has every picture's CRC, so this follows the content alone.
        var digest = Fingerprint("zip")
        for entry in entries {
            digest.add(entry.name)
            digest.add(entry.size)
            digest.add(entry.crc)
        }
        fingerprint = digest.finish()
    }

    public func content(at index: Int, size: Int) throws -> PictureContent {
        .encoded(try archive.read(entries[index]))
    }

    /// The bytes of an entry that is not a picture, such as `dataset.json`; nil if there is none.
    func file(named name: String) throws -> [UInt8]? {
        guard let entry = archive.entries.last(where: { $0.name == name }) else { return nil }
        return try archive.read(entry)
    }
}

/// A packed store as a source, so that it can be looked at, judged and packed again.
package struct StoreSource: PictureSource {
    package let store: FaceStore
    package let name: String
    package var kind: SourceKind { .store }

    package init(_ store: FaceStore) {
        self.store = store
        name = store.path.split(separator: "/").last.map(String.init) ?? store.path
    }

    package var names: [String] { store.names }
    package var labels: Labels { store.labels }
    package var packedProtocol: DataProtocol? { store.data }
    package var fingerprint: String { store.contentHash }

    package func content(at index: Int, size: Int) throws -> PictureContent {
        .drawn(store.picture(index))
    }
}
