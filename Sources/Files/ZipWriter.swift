/// Writer of zip archives with stored entries. Equal entries give equal bytes.
///
/// Every entry has the time 1980-01-01 00:00. The directory uses zip64 where the numbers require it. The archive gets its name
/// in `finish()`, so that a partial archive is never visible. Format: PKWARE's APPNOTE.TXT.
public final class ZipWriter {
    /// Number of entries so far.
    public private(set) var entryCount = 0
    /// Size of the archive so far, without its directory, in bytes.
    public var count: Int { file.count }
    private let file: AtomicFile
    private let path: String
    private var directory: [UInt8] = []
    private let zip64From: Int

    /// Starts an archive.
    /// - Parameter path: path of the archive, which is replaced atomically.
    /// - Throws: `FileError` if the file cannot be created.
    public convenience init(path: String) throws { try self.init(path: path, zip64From: 0xFFFF_FFFF) }

    /// Starts an archive that uses zip64 for offsets from a given one.
    /// - Throws: `FileError` if the file cannot be created.
    package init(path: String, zip64From: Int) throws {
        (self.path, self.zip64From) = (path, zip64From)
        file = try AtomicFile(path: path)
    }

    /// Appends a stored file.
    /// - Parameters:
    ///   - name: name in the archive, 1 to 65,535 bytes of UTF-8, with `/` between folders.
    ///   - bytes: content, below 4 GiB.
    /// - Throws: `FileError` for an invalid name or size, or if writing fails.
    public func add(_ name: String, _ bytes: [UInt8]) throws {
        let encoded = Array(name.utf8)
        guard (1...65_535).contains(encoded.count), bytes.count < 0xFFFF_FFFF else {
            throw FileError(
                path: path,
                what: "an entry of a zip archive has a name of 1 to 65,535 bytes and less than 4 GiB, got "
                    + "\(encoded.count) and \(bytes.count) bytes")
        }
        let offset = file.count
        let needsZip64 = offset >= zip64From
        // UTF-8 is declared only where it differs from ASCII.
        let flags: UInt16 = encoded.allSatisfy { $0 < 0x80 } ? 0 : 0x800
        let size = UInt32(bytes.count)
        var common = UInt16(needsZip64 ? 45 : 20).littleEndianBytes + flags.littleEndianBytes
        // Stored, 00:00, 1980-01-01.
        common += UInt16(0).littleEndianBytes + UInt16(0).littleEndianBytes + UInt16(0x21).littleEndianBytes
        common += Digest.crc32(bytes).littleEndianBytes + size.littleEndianBytes + size.littleEndianBytes
        common += UInt16(encoded.count).littleEndianBytes
        try file.write(
            UInt32(0x0403_4B50).littleEndianBytes + common + UInt16(0).littleEndianBytes + encoded)
        try file.write(bytes)

        let extra =
            needsZip64
            ? UInt16(1).littleEndianBytes + UInt16(8).littleEndianBytes + UInt64(offset).littleEndianBytes
            : []
        // Made by Unix, so that the permissions 0644 are valid.
        directory += UInt32(0x0201_4B50).littleEndianBytes + UInt16(3 << 8 | 45).littleEndianBytes + common
        directory += UInt16(extra.count).littleEndianBytes + UInt16(0).littleEndianBytes
        directory += UInt16(0).littleEndianBytes + UInt16(0).littleEndianBytes
        directory += UInt32(0o100644 << 16).littleEndianBytes
        directory += UInt32(needsZip64 ? 0xFFFF_FFFF : offset).littleEndianBytes + encoded + extra
        entryCount += 1
    }

    /// Writes the directory and moves the archive into place. No method may be called afterwards.
    /// - Throws: `FileError` if writing fails.
    public func finish() throws {
        let start = file.count
        try file.write(directory)
        let needsZip64 = entryCount >= 0xFFFF || start >= zip64From || directory.count >= 0xFFFF_FFFF
        if needsZip64 {
            let end = file.count
            var record = UInt32(0x0606_4B50).littleEndianBytes + UInt64(44).littleEndianBytes
            record += UInt16(3 << 8 | 45).littleEndianBytes + UInt16(45).littleEndianBytes
            record += UInt32(0).littleEndianBytes + UInt32(0).littleEndianBytes
            record += UInt64(entryCount).littleEndianBytes + UInt64(entryCount).littleEndianBytes
            record += UInt64(directory.count).littleEndianBytes + UInt64(start).littleEndianBytes
            record += UInt32(0x0706_4B50).littleEndianBytes + UInt32(0).littleEndianBytes
            record += UInt64(end).littleEndianBytes + UInt32(1).littleEndianBytes
            try file.write(record)
        }
        let entries = UInt16(needsZip64 ? 0xFFFF : entryCount).littleEndianBytes
        var record = UInt32(0x0605_4B50).littleEndianBytes + UInt16(0).littleEndianBytes
        record += UInt16(0).littleEndianBytes + entries + entries
        record += UInt32(needsZip64 ? 0xFFFF_FFFF : directory.count).littleEndianBytes
        record += UInt32(needsZip64 ? 0xFFFF_FFFF : start).littleEndianBytes + UInt16(0).littleEndianBytes
        try file.write(record)
        try file.commit()
    }
}
