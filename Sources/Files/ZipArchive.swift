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

/// Reads the directory at the end of a zip archive.
struct ZipDirectory {
    let bytes: UnsafeRawBufferPointer
    let file: MappedFile

    /// Where the directory is, how many entries it has, and what stands before the archive in the file.
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
        // An entry takes at least 46 bytes, so the count cannot ask for more than the file has.
        entries.reserveCapacity(min(location.count, location.size / 46))
        var at = location.start
        while at < end {
            guard end - at >= 46, bytes.u32(at) == 0x0201_4B50 else { throw broken("entry \(entries.count)") }
            let (nameCount, extraCount, commentCount) = (
                bytes.u16(at + 28), bytes.u16(at + 30), bytes.u16(at + 32)
            )
            let next = at + 46 + nameCount + extraCount + commentCount
            guard next <= end else { throw broken("entry \(entries.count)") }
            let name = bytes[(at + 46)..<(at + 46 + nameCount)]
            var (packed, size, offset) = (bytes.u32(at + 20), bytes.u32(at + 24), bytes.u32(at + 42))
            try widen(extra: (at + 46 + nameCount)..<(next - commentCount), &size, &packed, &offset)
            let (moved, overflow) = offset.addingReportingOverflow(location.shift)
            guard bytes.u16(at + 34) == 0 || bytes.u16(at + 34) == 0xFFFF, !overflow, moved < location.start
            else {
                throw broken("entry \(entries.count)")
            }
            entries.append(
                ZipArchive.Entry(
                    name: String(decoding: name, as: UTF8.self), size: size, compressedSize: packed,
                    offset: moved, method: bytes.u16(at + 10), crc: UInt32(bytes.u32(at + 16)),
                    isEncrypted: bytes.u16(at + 8) & 1 != 0))
            at = next
        }
        guard entries.count == location.count else {
            throw broken("it has \(entries.count) entries and claims \(location.count)")
        }
        return entries
    }

    /// Takes 64-bit sizes from the extra field where the 32-bit ones say "see there".
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
                        throw broken("a 64-bit size")
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
        // The comment after the record may be up to 65,535 bytes long.
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
                path: file.path, what: "one part of a zip archive in several parts",
                advice: "Join the parts first.")
        }
        // What a self-extracting archive has in front is not counted in the offsets.
        guard size <= end, start <= end - size else { throw broken("it lies outside the file") }
        let shift = end - size - start
        return Location(start: start + shift, size: size, count: count, shift: shift)
    }

    private func locate64(locator: Int) throws -> (count: Int, size: Int, start: Int, end: Int) {
        guard let claimed = bytes.u64(locator + 8), locator >= 56 else { throw broken("its 64-bit record") }
        // The record stands right before its locator when it has no extensions.
        let candidates = [claimed, locator - 56].filter { $0 <= locator - 56 }
        guard let at = candidates.first(where: { bytes.u32($0) == 0x0606_4B50 }),
            bytes.u32(at + 16) == 0, bytes.u32(at + 20) == 0,
            let count = bytes.u64(at + 32), let size = bytes.u64(at + 40), let start = bytes.u64(at + 48)
        else { throw broken("its 64-bit record") }
        return (count, size, start, at)
    }

    private func notZip() -> FileError {
        FileSignature.mismatch(file, expected: "a zip archive")
    }

    private func broken(_ what: String) -> FileError {
        FileError.broken(file.path, "the zip archive's directory is damaged: \(what)")
    }
}
