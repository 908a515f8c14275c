/// A tar archive, plain or compressed with gzip. Regular files are listed.
///
/// Supported are ustar, GNU long names and large sizes, and pax. A plain archive also provides a list of entries and
/// random access from any thread.
public final class TarArchive: Sendable {
    /// A regular file in an archive.
    public struct Entry: Sendable, Equatable {
        /// Name in the archive, with `/` between folders. Bytes that are not UTF-8 are written as `\xHH`.
        public let name: String
        /// Name as stored, in any encoding.
        public let nameBytes: [UInt8]
        /// Size in bytes.
        public let size: Int
        /// Offset of the content in the decompressed archive.
        public let offset: Int
        /// Whether zeros are omitted from the content. It cannot be read.
        public let isSparse: Bool

        /// The same content with another name.
        package func named(_ bytes: [UInt8]) -> Entry {
            Entry(
                name: FileNames.text(bytes), nameBytes: bytes, size: size, offset: offset, isSparse: isSparse)
        }
    }

    /// A link or a special file in an archive.
    public struct Link: Sendable, Equatable {
        /// Name in the archive.
        public let name: String
        /// Name as stored, in any encoding.
        public let nameBytes: [UInt8]
        /// Name in the archive of the file to which the link refers; nil for special files, and for targets outside the
        /// archive.
        public let target: [UInt8]?
        /// What it is, such as "a symbolic link".
        public let phrase: String
    }

    /// The content of a file during a sequential pass.
    public struct Content {
        fileprivate let all: () throws -> [UInt8]
        fileprivate let first: (Int) throws -> [UInt8]

        /// Returns the whole content.
        /// - Throws: `FileError` if the archive is damaged, or the file is sparse or larger than `sizeLimit`.
        public func callAsFunction() throws -> [UInt8] { try all() }

        /// Returns the first `count` bytes, or fewer at the end.
        /// - Throws: `FileError` if the archive is damaged.
        public func head(_ count: Int) throws -> [UInt8] { try first(count) }
    }

    /// The mapped file.
    public let file: MappedFile
    /// Regular files of a plain archive; nil for a compressed archive, which can only be read sequentially.
    public let entries: [Entry]?

    /// Maximum size of a file in the archive that can be read: 1 GiB.
    public static let sizeLimit = 1 << 30

    /// Opens an archive. A plain archive is validated completely.
    /// - Throws: `FileError` if the file cannot be read or is not a tar archive; for a plain archive, if any header
    ///   is damaged.
    public convenience init(path: String) throws { try self.init(MappedFile(path: path)) }

    /// Opens an archive in a mapped file. A plain archive is validated completely.
    /// - Throws: `FileError` if the file is not a tar archive; for a plain archive, if any header is damaged.
    public init(_ file: MappedFile) throws {
        self.file = file
        if try GzipStream.detect(file) {
            entries = nil
            // Detects compressed files that are not tar archives.
            var parser = try TarParser(file)
            _ = try parser.next()
        } else {
            var parser = try TarParser(file)
            var entries: [Entry] = []
            while let entry = try parser.next() {
                entries.append(entry)
                try parser.skip(entry)
            }
            self.entries = entries
        }
    }

    /// Calls `body` for every regular file in order, until it returns `false`.
    ///
    /// The content passed to `body` is valid only during the call. After the last file, the end of the archive and the checksum of a compressed archive have been verified.
    /// - Returns: the links and special files among the visited files.
    /// - Throws: `FileError` if the archive is damaged, after the files before the damage; errors of `body`.
    @discardableResult
    public func forEach(_ body: (Entry, Content) throws -> Bool) throws -> [Link] {
        var parser = try TarParser(file)
        while let entry = try parser.next() {
            var (head, whole): ([UInt8], [UInt8]?) = ([], nil)
            let content = Content {
                if let whole { return whole }
                let bytes = try parser.content(entry, after: head)
                whole = bytes
                return bytes
            } first: { count in
                if let whole { return Array(whole.prefix(count)) }
                let missing = min(count, entry.size) - head.count
                if missing > 0 { head += try parser.part(missing) }
                return Array(head.prefix(count))
            }
            guard try body(entry, content) else { break }
            if whole == nil { try parser.skip(entry, after: head.count) }
        }
        return parser.links
    }

    /// Returns the content of an entry of a plain archive.
    /// - Throws: `FileError` if the archive is compressed, or the entry belongs to another archive and exceeds this
    ///   one.
    public func read(_ entry: Entry) throws -> [UInt8] {
        guard entries != nil else {
            throw FileError(
                path: file.path, what: "a compressed archive can only be read in order",
                advice: "Use forEach, or decompress it first.")
        }
        return try Self.content(of: entry, in: file)
    }

    /// Returns the content of an entry from the decompressed bytes of its archive.
    /// - Throws: `FileError` if the entry is sparse, larger than `sizeLimit`, or not inside the file.
    package static func content(of entry: Entry, in bytes: MappedFile) throws -> [UInt8] {
        try TarParser.check(entry, path: bytes.path)
        return try bytes.bytes(entry.offset..<entry.offset + entry.size)
    }

    /// Returns the bytes of the archive: this file if it is plain, otherwise a temporary decompressed copy. Offsets of
    /// entries refer to these bytes.
    /// - Throws: `FileError` if the compressed data is damaged or the copy cannot be written.
    package func decompressed() throws -> MappedFile {
        guard try GzipStream.detect(file) else { return file }
        let stream = try GzipStream(file)
        return try ScratchFile.write(path: file.path) { append in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
            defer { buffer.deallocate() }
            while case let count = try stream.read(into: buffer), count > 0 {
                try append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }
}
