import CCodecs

/// A zip archive. Its directory is read when it is opened, its entries on request, from any thread.
///
/// Supported are stored and deflated entries, zip64, and archives with preceding data. Encryption and multi-part
/// archives are not supported. Format: PKWARE's APPNOTE.TXT.
public final class ZipArchive: Sendable {
    /// An entry of the directory.
    public struct Entry: Sendable, Equatable {
        /// Name in the archive, with `/` between folders. Names of folders end with `/`.
        ///
        /// Names that are not UTF-8 are decoded by code page 437, so different names remain different.
        public let name: String
        /// Name as stored, in any encoding.
        public let nameBytes: [UInt8]
        /// Decompressed size in bytes.
        public let size: Int
        /// Size in the archive in bytes.
        public let compressedSize: Int
        /// Offset of the entry's local header in the file.
        public let offset: Int
        /// Compression method: 0 stored, 8 deflated.
        public let method: Int
        /// CRC-32 of the decompressed content.
        public let crc: UInt32
        /// Whether the archive was created on a system that separates folders by backslashes.
        package let isFromWindows: Bool
        let isEncrypted: Bool

        /// Whether the entry is a folder.
        public var isFolder: Bool { name.utf8.last == UInt8(ascii: "/") }
    }

    /// The mapped file.
    public let file: MappedFile
    /// All entries including folders, in the order of the directory.
    public let entries: [Entry]

    /// Default limit of the decompressed size in `read`: 1 GiB.
    public static let sizeLimit = 1 << 30

    /// Opens an archive.
    /// - Throws: `FileError` if the file cannot be read, is not a zip archive or has a damaged directory.
    public convenience init(path: String) throws { try self.init(MappedFile(path: path)) }

    /// Opens an archive in a mapped file.
    /// - Throws: `FileError` if the file is not a zip archive or has a damaged directory.
    public init(_ file: MappedFile) throws {
        self.file = file
        entries = try file.withBytes(file.all) { try ZipDirectory(bytes: $0, file: file).entries() }
    }

    /// Returns the decompressed content of an entry after verifying its CRC.
    /// - Parameters:
    ///   - entry: an entry of this archive.
    ///   - limit: maximum decompressed size in bytes.
    /// - Throws: `FileError` if the entry is damaged, larger than `limit`, encrypted or compressed with an
    ///   unsupported method.
    public func read(_ entry: Entry, limit: Int = ZipArchive.sizeLimit) throws -> [UInt8] {
        guard entry.size <= limit else {
            throw problem(
                entry,
                "has a decompressed size of \(entry.size) bytes, more than the limit of \(limit)")
        }
        let range = try dataRange(entry)
        let bytes = entry.method == 0 ? try file.bytes(range) : try inflate(entry, range, count: entry.size)
        guard Digest.crc32(bytes) == entry.crc else { throw problem(entry, "does not match its checksum") }
        return bytes
    }

    /// Returns the first bytes of the decompressed content of an entry. The CRC is not verified.
    /// - Throws: `FileError` if the entry is damaged, encrypted or compressed with an unsupported method.
    public func head(_ entry: Entry, count: Int) throws -> [UInt8] {
        let range = try dataRange(entry)
        let count = min(count, entry.size)
        return entry.method == 0
            ? try file.bytes(range.lowerBound..<(range.lowerBound + count))
            : try inflate(entry, range, count: count)
    }

    /// Returns the byte range of a stored entry in `file`; nil for a compressed entry. The CRC is not verified.
    /// - Throws: `FileError` if the entry is damaged or encrypted.
    public func storedRange(_ entry: Entry) throws -> Range<Int>? {
        let range = try dataRange(entry)
        return entry.method == 0 ? range : nil
    }

    /// Returns the content of an entry as a file: a part of this file if it is stored, otherwise a temporary copy.
    /// - Throws: `FileError` if the entry is damaged, encrypted or compressed with an unsupported method, or the copy
    ///   cannot be written.
    package func unpacked(_ entry: Entry) throws -> MappedFile {
        let range = try dataRange(entry)
        let path = "\(file.path):\(entry.name)"
        if entry.method == 0 { return try MappedFile(range, of: file, path: path) }
        let inflater = try Inflater(CCODECS_RAW, path: file.path)
        var (crc, size, position) = (UInt32(0), 0, range.lowerBound)
        let copy = try ScratchFile.write(path: path) { append in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
            defer { buffer.deallocate() }
            var status = Inflater.Status.more
            while status == .more, size <= entry.size {
                let step = try file.withBytes(position..<range.upperBound) { try inflater.step($0, buffer) }
                status = step.status
                position += step.consumed
                size += step.produced
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<step.produced])
                crc = Digest.crc32(bytes, continuing: crc)
                try append(bytes)
            }
            guard status == .end, size == entry.size, crc == entry.crc else {
                throw problem(entry, "does not match its size and checksum")
            }
        }
        return copy
    }

    /// Verifies the CRC of an entry. Stored entries are not copied.
    /// - Throws: `FileError` if the entry is damaged, encrypted or compressed with an unsupported method.
    public func check(_ entry: Entry) throws {
        guard let range = try storedRange(entry) else {
            _ = try read(entry)
            return
        }
        guard try file.withBytes(range, { Digest.crc32($0) }) == entry.crc else {
            throw problem(entry, "does not match its checksum")
        }
    }

    /// Byte range of an entry's data after the local header, which must agree with the directory.
    private func dataRange(_ entry: Entry) throws -> Range<Int> {
        guard !entry.isEncrypted else {
            throw FileError(
                path: file.path, what: "the entry \"\(entry.name)\" is encrypted",
                advice: "Decrypt the archive with its password first.")
        }
        guard entry.method == 0 || entry.method == 8 else {
            throw FileError(
                path: file.path,
                what:
                    "the entry \"\(entry.name)\" uses the unsupported compression method \(entry.method)",
                advice: "Create the archive again with stored or deflated entries.")
        }
        let whole = file.count
        guard entry.offset <= whole - 30 else { throw problem(entry, "begins after the end of the file") }
        let (nameCount, extraCount) = try file.withBytes(entry.offset..<entry.offset + 30) { header in
            guard header.u32(0) == 0x0403_4B50, header.u16(8) == entry.method else {
                throw problem(entry, "is not at the position stated in the directory")
            }
            return (header.u16(26), header.u16(28))
        }
        let nameStart = entry.offset + 30
        let start = nameStart + nameCount + extraCount
        guard start <= whole, entry.compressedSize <= whole - start else {
            throw problem(entry, "ends after the end of the file")
        }
        let name = try file.bytes(nameStart..<nameStart + nameCount)
        guard name == entry.nameBytes else {
            throw problem(entry, "has the name \"\(FileNames.text(name))\" in its local header")
        }
        guard entry.method != 0 || entry.size == entry.compressedSize else {
            throw problem(entry, "has two different sizes")
        }
        return start..<start + entry.compressedSize
    }

    /// Decompresses the first `count` bytes of an entry.
    private func inflate(_ entry: Entry, _ range: Range<Int>, count wanted: Int) throws -> [UInt8] {
        // The compression ratio of deflate is at most 1,032. A larger size is invalid, and no memory is allocated for it.
        guard entry.size / 1032 <= range.count else { throw problem(entry, "has an impossible size") }
        let inflater = try Inflater(CCODECS_RAW, path: file.path)
        return try file.withBytes(range) { input in
            try [UInt8](unsafeUninitializedCapacity: wanted) { output, count in
                var (read, status) = (0, Inflater.Status.more)
                while status == .more, count < wanted || wanted == entry.size {
                    let step = try inflater.step(
                        UnsafeRawBufferPointer(rebasing: input[read...]),
                        UnsafeMutableRawBufferPointer(
                            rebasing: UnsafeMutableRawBufferPointer(output)[count...]))
                    read += step.consumed
                    count += step.produced
                    status = step.status
                }
                guard wanted < entry.size || status == .end && count == entry.size && read == input.count
                else {
                    throw problem(entry, "does not have the decompressed size stated in the directory")
                }
            }
        }
    }

    private func problem(_ entry: Entry, _ what: String) -> FileError {
        FileError.broken(file.path, "the entry \"\(entry.name)\" \(what)")
    }
}

/// Parser of the directory at the end of a zip archive.
struct ZipDirectory {
    let bytes: UnsafeRawBufferPointer
    let file: MappedFile

    /// Offset, size and number of entries of the directory, and the length of data before the archive.
    private struct Location {
        var start: Int
        var size: Int
        var count: Int
        var shift: Int
    }

    func entries() throws -> [ZipArchive.Entry] {
        let location = try locate()
        let end = location.start + location.size
        var entries: [ZipArchive.Entry] = []
        // An entry has at least 46 bytes, so the reservation is bounded by the size of the file.
        entries.reserveCapacity(min(location.count, location.size / 46))
        var at = location.start
        while at < end {
            guard end - at >= 46, bytes.u32(at) == 0x0201_4B50 else {
                throw broken("entry \(entries.count) is invalid")
            }
            let (nameCount, extraCount, commentCount) = (
                bytes.u16(at + 28), bytes.u16(at + 30), bytes.u16(at + 32)
            )
            let next = at + 46 + nameCount + extraCount + commentCount
            guard next <= end else { throw broken("entry \(entries.count) is invalid") }
            let name = Array(bytes[(at + 46)..<(at + 46 + nameCount)])
            let extra = (at + 46 + nameCount)..<(next - commentCount)
            var (packed, size, offset) = (bytes.u32(at + 20), bytes.u32(at + 24), bytes.u32(at + 42))
            try widen(extra: extra, &size, &packed, &offset)
            let (moved, overflow) = offset.addingReportingOverflow(location.shift)
            guard bytes.u16(at + 34) == 0 || bytes.u16(at + 34) == 0xFFFF, !overflow, moved < location.start
            else {
                throw broken("entry \(entries.count) is invalid")
            }
            entries.append(
                ZipArchive.Entry(
                    name: text(name, isUTF8: bytes.u16(at + 8) & 0x800 != 0, extra: extra), nameBytes: name,
                    size: size, compressedSize: packed, offset: moved, method: bytes.u16(at + 10),
                    crc: UInt32(bytes.u32(at + 16)),
                    // FAT, HPFS, NTFS and VFAT.
                    isFromWindows: [0, 6, 10, 11, 14].contains(bytes.u8(at + 5)),
                    isEncrypted: bytes.u16(at + 8) & 1 != 0))
            at = next
        }
        guard entries.count == location.count else {
            throw broken("it has \(entries.count) entries instead of the stated \(location.count)")
        }
        return entries
    }

    /// Decodes a name: UTF-8 if it is valid, the Unicode name in the extra field, or code page 437.
    private func text(_ name: [UInt8], isUTF8: Bool, extra: Range<Int>) -> String {
        let text = FileNames.text(name)
        if isUTF8 || text.utf8.elementsEqual(name) || String(validating: name, as: UTF8.self) != nil {
            return text
        }
        var at = extra.lowerBound
        while extra.upperBound - at >= 4 {
            let (tag, count) = (bytes.u16(at), bytes.u16(at + 2))
            at += 4
            guard count <= extra.upperBound - at else { break }
            // Version, CRC-32 of the name in the header, name.
            if tag == 0x7075, count > 5, bytes.u8(at) == 1, bytes.u32(at + 1) == Int(Digest.crc32(name)) {
                return FileNames.text(bytes[(at + 5)..<(at + count)])
            }
            at += count
        }
        return FileNames.codePage437(name)
    }

    /// Reads 64-bit sizes from the extra field where the 32-bit fields have the maximum value.
    private func widen(extra: Range<Int>, _ size: inout Int, _ packed: inout Int, _ offset: inout Int) throws
    {
        guard [size, packed, offset].contains(0xFFFF_FFFF) else { return }
        var at = extra.lowerBound
        while extra.upperBound - at >= 4 {
            let (tag, count) = (bytes.u16(at), bytes.u16(at + 2))
            at += 4
            guard count <= extra.upperBound - at else { break }
            if tag == 1 {
                var field = at
                for value in [0, 1, 2] {
                    let current = [size, packed, offset][value]
                    guard current == 0xFFFF_FFFF else { continue }
                    guard field + 8 <= at + count, let wide = bytes.u64(field) else {
                        throw broken("a 64-bit size is invalid")
                    }
                    switch value {
                    case 0: size = wide
                    case 1: packed = wide
                    default: offset = wide
                    }
                    field += 8
                }
                return
            }
            at += count
        }
        throw broken("a 64-bit size is missing")
    }

    private func locate() throws -> Location {
        guard bytes.count >= 22 else { throw notZip() }
        // The comment after the record can have up to 65,535 bytes.
        var at = bytes.count - 22
        while bytes.u32(at) != 0x0605_4B50 || at + 22 + bytes.u16(at + 20) != bytes.count {
            at -= 1
            guard at >= max(0, bytes.count - 22 - 0xFFFF) else { throw notZip() }
        }
        var (count, size, start, end) = (bytes.u16(at + 10), bytes.u32(at + 12), bytes.u32(at + 16), at)
        var disks = (bytes.u16(at + 4), bytes.u16(at + 6), bytes.u16(at + 8) == count)
        if at >= 20, bytes.u32(at - 20) == 0x0706_4B50 {
            (count, size, start, end) = try locate64(locator: at - 20)
            disks = (0, 0, true)
        }
        guard disks.0 == 0, disks.1 == 0, disks.2 else {
            throw FileError(
                path: file.path, what: "the file is one part of a multi-part zip archive",
                advice: "Join the parts first.")
        }
        // Offsets do not include data before the archive, as in self-extracting archives.
        guard size <= end, start <= end - size else { throw broken("its range is outside the file") }
        let shift = end - size - start
        return Location(start: start + shift, size: size, count: count, shift: shift)
    }

    private func locate64(locator: Int) throws -> (count: Int, size: Int, start: Int, end: Int) {
        guard let claimed = bytes.u64(locator + 8), locator >= 56 else {
            throw broken("its 64-bit record is invalid")
        }
        // Without extensions, the record directly precedes its locator.
        let candidates = [claimed, locator - 56].filter { $0 <= locator - 56 }
        guard let at = candidates.first(where: { bytes.u32($0) == 0x0606_4B50 }),
            bytes.u32(at + 16) == 0, bytes.u32(at + 20) == 0,
            let count = bytes.u64(at + 32), let size = bytes.u64(at + 40), let start = bytes.u64(at + 48)
        else { throw broken("its 64-bit record is invalid") }
        return (count, size, start, at)
    }

    private func notZip() -> FileError {
        FileError.mismatch(file, expected: "a zip archive")
    }

    private func broken(_ what: String) -> FileError {
        FileError.broken(file.path, "the zip archive's directory is damaged: \(what)")
    }
}
