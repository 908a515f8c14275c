import Files
import Foundation

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
