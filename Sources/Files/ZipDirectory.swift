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
