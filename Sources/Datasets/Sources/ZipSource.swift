import Files
import Foundation

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
