import Files
import Foundation
import Imaging

/// The pictures of a tar archive, plain or gzipped, in the order of the archive.
public struct TarSource: PictureSource {
    /// File name of the archive.
    public let name: String
    /// Paths of the pictures, in the order of the archive.
    public let names: [String]
    /// The error that prevents reading beyond the listed pictures; nil if the archive is complete.
    public let damage: String?
    /// Hash of names, sizes and the content of the file.
    public let fingerprint: String
    /// The kind, `tar`.
    public var kind: SourceKind { .tar }
    /// True: the archive can only be read sequentially.
    public var readsInOrder: Bool { true }
    private let archive: TarArchive

    /// Reads the archive once to list its pictures.
    ///
    /// - Throws: `FileError` if the file cannot be opened or no picture can be read.
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
        // A file can change in place without another size or name of a picture.
        digest.add(try RememberedDigest.sha256(of: path))
        fingerprint = digest.finish()
    }

    /// Returns the bytes of a picture. Reads the archive from the beginning; use `forEach` for several pictures.
    ///
    /// - Throws: `FileError` if the archive cannot be read; `DataError` if it changed since it was opened.
    public func content(at index: Int, size: Int) throws -> PictureContent {
        var found: Result<PictureContent, any Error>?
        try forEach(size: size) { position, content in
            if position == index { found = content }
            return position < index
        }
        guard let found else {
            throw DataError(
                "\(name): the picture \(names[index]) cannot be found: the archive changed or is damaged")
        }
        return try found.get()
    }

    /// Calls `body` for all pictures in order, until it returns false.
    ///
    /// - Throws: errors of `body`; `FileError` if the archive cannot be read; `DataError` if it changed since it
    ///   was opened.
    public func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws {
        var index = 0
        try archive.forEach { entry, read in
            guard PictureNames.isPicture(entry.name) else { return index < names.count }
            guard entry.name == names[index] else {
                throw DataError("\(name): the archive changed while it was read: run the command again")
            }
            let content = Result { PictureContent.encoded(try read()) }
            index += 1
            return try body(index - 1, content) && index < names.count
        }
    }
}

/// The pictures of a zip archive, sorted by path. Nothing is extracted to disk.
public struct ZipSource: PictureSource {
    /// File name of the archive.
    public let name: String
    /// Paths of the pictures, in byte order.
    public let names: [String]
    /// Hash of names, sizes and CRCs of the pictures.
    public let fingerprint: String
    /// The kind, `zip`.
    public var kind: SourceKind { .zip }
    let archive: ZipArchive
    private let entries: [ZipArchive.Entry]

    /// Opens an archive and reads its directory.
    ///
    /// - Throws: `FileError` if the file cannot be opened or the directory is invalid.
    public init(path: String) throws {
        self.init(archive: try ZipArchive(path: path), path: path)
    }

    init(archive: ZipArchive, path: String) {
        name = (path as NSString).lastPathComponent
        self.archive = archive
        // Of two entries with the same name, extraction would keep the later one.
        var latest: [String: ZipArchive.Entry] = [:]
        for entry in archive.entries where PictureNames.isPicture(entry.name) { latest[entry.name] = entry }
        entries = latest.values.sorted { PictureNames.precedes($0.name, $1.name) }
        names = entries.map(\.name)
        // The directory contains a CRC of every picture, so the hash depends only on the content.
        var digest = Fingerprint("zip")
        for entry in entries {
            digest.add(entry.name)
            digest.add(entry.size)
            digest.add(entry.crc)
        }
        fingerprint = digest.finish()
    }

    /// Returns the bytes of a picture. `size` is ignored.
    ///
    /// - Throws: `FileError` if the entry cannot be read or is damaged.
    public func content(at index: Int, size: Int) throws -> PictureContent {
        .encoded(try archive.read(entries[index]))
    }

    /// Returns the bytes of an entry that is not a picture, such as `dataset.json`; nil if there is none.
    func file(named name: String) throws -> [UInt8]? {
        guard let entry = archive.entries.last(where: { $0.name == name }) else { return nil }
        return try archive.read(entry)
    }
}
