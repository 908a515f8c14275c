/// A tar archive, plain or compressed by gzip: its regular files, in order.
///
/// Reads ustar, GNU long names and large sizes, and pax. Folders, links and devices are passed over. A plain archive
/// also has a list of entries and gives their bytes in any order, from any thread.
public final class TarArchive: Sendable {
    public struct Entry: Sendable, Equatable {
        /// The name as written, with `/` between folders.
        public let name: String
        /// Bytes.
        public let size: Int
        /// Where the content stands in the unpacked archive.
        public let offset: Int
    }

    public let file: MappedFile
    /// All regular files of a plain archive; `nil` for a compressed one, which can only be read in order.
    public let entries: [Entry]?

    /// What a file in the archive may have at most to be read: 1 GiB.
    public static let sizeLimit = 1 << 30

    /// - Throws: `FileError` if the file is not a tar archive; for a plain one, if any part of it is damaged.
    public init(path: String) throws {
        let file = try MappedFile(path: path)
        self.file = file
        if try GzipStream.detect(file) {
            entries = nil
            // Says at once when it is something else that was compressed.
            var walker = try TarWalker(file)
            _ = try walker.next()
        } else {
            var walker = try TarWalker(file)
            var entries: [Entry] = []
            while let entry = try walker.next() {
                entries.append(entry)
                try walker.pass(entry)
            }
            self.entries = entries
        }
    }

    /// Calls `body` for every regular file in order, until it returns `false`.
    ///
    /// The closure that `body` receives gives the file's bytes; it is valid only inside the call. When all files
    /// were visited the archive's end and a compressed archive's checksum have been checked too.
    /// - Throws: `FileError` if the archive is damaged, after the files before the damage; whatever `body` throws.
    public func forEach(_ body: (Entry, () throws -> [UInt8]) throws -> Bool) throws {
        var walker = try TarWalker(file)
        while let entry = try walker.next() {
            var content: [UInt8]?
            let goesOn = try body(entry) {
                if let content { return content }
                let bytes = try walker.content(entry)
                content = bytes
                return bytes
            }
            guard goesOn else { return }
            if content == nil { try walker.pass(entry) }
        }
    }

    /// The bytes of an entry of a plain archive.
    /// - Throws: `FileError` if the archive is compressed, or the entry is not of this archive.
    public func read(_ entry: Entry) throws -> [UInt8] {
        guard entries != nil else {
            throw FileError(
                path: file.path, what: "a compressed archive can only be read in order",
                advice: "Use forEach, or unpack it first.")
        }
        return try file.bytes(entry.offset..<entry.offset + entry.size)
    }
}
