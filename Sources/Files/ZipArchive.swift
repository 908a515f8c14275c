import CCodecs

/// A zip archive: its directory is read at once, its entries on demand, from any thread.
///
/// Stored and deflated entries, zip64, archives with something in front. No encryption, no archives in several
/// parts. Format: PKWARE's APPNOTE.TXT.
public final class ZipArchive: Sendable {
    public struct Entry: Sendable, Equatable {
        /// The name as written, with `/` between folders; folders end with one.
        public let name: String
        /// Bytes when unpacked.
        public let size: Int
        /// Bytes in the archive.
        public let compressedSize: Int
        /// Where the entry's local header stands in the file.
        public let offset: Int
        /// 0 stored, 8 deflated.
        public let method: Int
        public let crc: UInt32
        let isEncrypted: Bool

        public var isFolder: Bool { name.hasSuffix("/") }
    }

    public let file: MappedFile
    /// In the directory's order; folders are among them.
    public let entries: [Entry]

    /// What `read` unpacks at most unless told otherwise: 1 GiB.
    public static let sizeLimit = 1 << 30

    /// - Throws: `FileError` if the file is not a zip archive or its directory is damaged.
    public init(path: String) throws {
        let file = try MappedFile(path: path)
        self.file = file
        entries = try file.withBytes(file.all) { try ZipDirectory(bytes: $0, file: file).entries() }
    }

    /// An entry's bytes, unpacked and compared with its CRC.
    /// - Parameter limit: the most that the entry may unpack to, in bytes.
    /// - Throws: `FileError` if the entry is damaged, larger than `limit`, encrypted or packed in an unknown way.
    public func read(_ entry: Entry, limit: Int = ZipArchive.sizeLimit) throws -> [UInt8] {
        guard entry.size <= limit else {
            throw problem(entry, "unpacks to \(entry.size) bytes, more than the \(limit) expected")
        }
        let range = try dataRange(entry)
        let bytes = entry.method == 0 ? try file.bytes(range) : try inflate(entry, range)
        guard Digest.crc32(bytes) == entry.crc else { throw problem(entry, "does not match its checksum") }
        return bytes
    }

    /// Where a stored entry's bytes stand in `file`; `nil` for a compressed one. The CRC is not checked.
    /// - Throws: `FileError` if the entry is damaged or encrypted.
    public func storedRange(_ entry: Entry) throws -> Range<Int>? {
        let range = try dataRange(entry)
        return entry.method == 0 ? range : nil
    }

    /// Compares a stored entry's bytes with its CRC without copying them; unpacks others.
    /// - Throws: `FileError` if the entry is damaged.
    public func check(_ entry: Entry) throws {
        guard let range = try storedRange(entry) else {
            _ = try read(entry)
            return
        }
        guard try file.withBytes(range, { Digest.crc32($0) }) == entry.crc else {
            throw problem(entry, "does not match its checksum")
        }
    }

    /// Finds the data after the local header, which must agree with the directory.
    private func dataRange(_ entry: Entry) throws -> Range<Int> {
        guard !entry.isEncrypted else {
            throw FileError(
                path: file.path, what: "the entry \"\(entry.name)\" is encrypted",
                advice: "Unpack the archive with its password first.")
        }
        guard entry.method == 0 || entry.method == 8 else {
            throw FileError(
                path: file.path, what: "the entry \"\(entry.name)\" is packed by the method \(entry.method)",
                advice: "Repack the archive with stored or deflated entries.")
        }
        let whole = file.count
        guard entry.offset <= whole - 30 else { throw problem(entry, "begins after the end of the file") }
        let (nameCount, extraCount) = try file.withBytes(entry.offset..<entry.offset + 30) { header in
            guard header.u32(0) == 0x0403_4B50, header.u16(8) == entry.method else {
                throw problem(entry, "is not where the directory says")
            }
            return (header.u16(26), header.u16(28))
        }
        let nameStart = entry.offset + 30
        let start = nameStart + nameCount + extraCount
        guard start <= whole, entry.compressedSize <= whole - start else {
            throw problem(entry, "ends after the end of the file")
        }
        let name = try file.withBytes(nameStart..<nameStart + nameCount) {
            String(decoding: $0, as: UTF8.self)
        }
        guard name == entry.name else { throw problem(entry, "is called \"\(name)\" in its own header") }
        guard entry.method != 0 || entry.size == entry.compressedSize else {
            throw problem(entry, "has two different sizes")
        }
        return start..<start + entry.compressedSize
    }

    private func inflate(_ entry: Entry, _ range: Range<Int>) throws -> [UInt8] {
        // Deflate packs at most 1,032 to 1; a larger claim is a lie, and no memory is given for it.
        guard entry.size / 1032 <= range.count else { throw problem(entry, "claims an impossible size") }
        let inflater = try Inflater(CCODECS_RAW, path: file.path)
        return try file.withBytes(range) { input in
            try [UInt8](unsafeUninitializedCapacity: entry.size) { output, count in
                var (read, status) = (0, Inflater.Status.more)
                while status == .more {
                    let step = try inflater.step(
                        UnsafeRawBufferPointer(rebasing: input[read...]),
                        UnsafeMutableRawBufferPointer(
                            rebasing: UnsafeMutableRawBufferPointer(output)[count...]))
                    read += step.consumed
                    count += step.produced
                    status = step.status
                }
                guard status == .end, count == entry.size, read == input.count else {
                    throw problem(entry, "does not unpack to the size that the directory says")
                }
            }
        }
    }

    private func problem(_ entry: Entry, _ what: String) -> FileError {
        FileError.broken(file.path, "the entry \"\(entry.name)\" \(what)")
    }
}
