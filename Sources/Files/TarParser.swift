/// Sequential reader of the bytes of a tar archive.
struct TarStream {
    private enum Source {
        case plain(MappedFile)
        case gzip(GzipStream)
    }

    private let source: Source
    private let path: String
    /// Offset in the decompressed archive.
    private(set) var position = 0

    init(_ file: MappedFile) throws {
        path = file.path
        source = try GzipStream.detect(file) ? .gzip(GzipStream(file)) : .plain(file)
    }

    /// Returns the next `count` bytes, or fewer at the end. Memory is allocated as data arrives, not according to
    /// `count`.
    mutating func read(_ count: Int) throws -> [UInt8] {
        switch source {
        case .plain(let file):
            let range = position..<(position + min(count, file.count - position))
            position = range.upperBound
            return try file.bytes(range)
        case .gzip(let stream):
            var result: [UInt8] = []
            while result.count < count {
                let wanted = min(count - result.count, max(1 << 16, result.count))
                let piece = try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                    filled = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                result = result.isEmpty ? piece : result + piece
                if piece.count < wanted { break }
            }
            position += result.count
            return result
        }
    }

    /// Returns exactly the next `count` bytes.
    mutating func readAll(_ count: Int) throws -> [UInt8] {
        let bytes = try read(count)
        guard bytes.count == count else { throw FileError.broken(path, "the tar archive is truncated") }
        return bytes
    }

    /// Skips `count` bytes.
    mutating func skip(_ count: Int) throws {
        var left = count
        while left > 0 {
            if case .plain(let file) = source {
                guard left <= file.count - position else {
                    throw FileError.broken(path, "the tar archive is truncated")
                }
                position += left
                return
            }
            left -= try readAll(min(left, 1 << 20)).count
        }
    }

    /// Reads the rest of a compressed stream, so that its checksum is verified.
    mutating func drain() throws {
        if case .plain = source { return }
        while try !read(1 << 20).isEmpty {}
    }
}

/// Parser of the sequence of headers in a tar archive.
struct TarParser {
    private let file: MappedFile
    private var stream: TarStream
    private var isFirst = true
    /// Links and special files before the current position.
    private(set) var links: [TarArchive.Link] = []

    /// Maximum size of a long name or a pax header in bytes.
    private static let extensionLimit = 1 << 20

    init(_ file: MappedFile) throws {
        self.file = file
        stream = try TarStream(file)
    }

    /// Returns the next regular file, or nil at the end. Its content must then be read or skipped.
    mutating func next() throws -> TarArchive.Entry? {
        var (longName, longTarget): ([UInt8]?, [UInt8]?)
        var pax: [String: [UInt8]] = [:]
        while let header = try nextHeader() {
            let size = try pax["size"].map { try number(text($0[...])) } ?? header.size
            switch header.kind {
            case UInt8(ascii: "L"):
                longName = Array(try extensionContent(header.size).prefix { $0 != 0 })
            case UInt8(ascii: "x"):
                pax = try parsePax(try extensionContent(header.size))
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
                let name = pax["GNU.sparse.name"] ?? pax["path"] ?? longName ?? header.name
                let isSparse = pax["GNU.sparse.major"] != nil || pax["GNU.sparse.map"] != nil
                // In archives before POSIX, a folder is a file whose name ends with a slash.
                if name.last == UInt8(ascii: "/") {
                    try skip(size)
                } else {
                    return entry(name, size: size, isSparse: isSparse)
                }
                (longName, pax) = (nil, [:])
            case UInt8(ascii: "S"):
                // Further blocks with the positions of the parts precede the content.
                var continues = header.continues
                while continues { continues = try stream.readAll(512)[504] != 0 }
                return entry(pax["path"] ?? longName ?? header.name, size: size, isSparse: true)
            case UInt8(ascii: "K"):
                longTarget = Array(try extensionContent(header.size).prefix { $0 != 0 })
            case UInt8(ascii: "g"): try skip(header.size)
            // Links, devices and folders have no content, regardless of their size field.
            case UInt8(ascii: "1")...UInt8(ascii: "6"):
                let name = pax["path"] ?? longName ?? header.name
                addLink(header.kind, name, target: pax["linkpath"] ?? longTarget ?? header.target)
                (longName, longTarget, pax) = (nil, nil, [:])
            default:
                try skip(size)
                (longName, longTarget, pax) = (nil, nil, [:])
            }
        }
        return nil
    }

    private mutating func addLink(_ kind: UInt8, _ name: [UInt8], target: [UInt8]) {
        let text = FileNames.text(name)
        switch kind {
        case UInt8(ascii: "1"):
            links.append(
                .init(name: text, nameBytes: name, target: target, phrase: "a hard link"))
        case UInt8(ascii: "2"):
            let path = Self.resolve(target, from: name)
            links.append(.init(name: text, nameBytes: name, target: path, phrase: "a symbolic link"))
        case UInt8(ascii: "5"): break
        default: links.append(.init(name: text, nameBytes: name, target: nil, phrase: "not a regular file"))
        }
    }

    /// Name in the archive of the target of a symbolic link; nil if it is outside the archive.
    private static func resolve(_ target: [UInt8], from name: [UInt8]) -> [UInt8]? {
        let slash = UInt8(ascii: "/")
        guard target.first != slash else { return nil }
        var parts = Array(name.split(separator: slash).dropLast())
        for part in target.split(separator: slash) {
            if part.elementsEqual("..".utf8) {
                guard parts.popLast() != nil else { return nil }
            } else if !part.elementsEqual(".".utf8) {
                parts.append(part)
            }
        }
        return Array(parts.joined(separator: [slash]))
    }

    private func entry(_ name: [UInt8], size: Int, isSparse: Bool) -> TarArchive.Entry {
        TarArchive.Entry(
            name: FileNames.text(name), nameBytes: name, size: size, offset: stream.position,
            isSparse: isSparse)
    }

    /// Throws an error if the content of an entry cannot be read.
    static func check(_ entry: TarArchive.Entry, path: String) throws {
        guard !entry.isSparse else {
            throw FileError(
                path: path, what: "the file \"\(entry.name)\" in the archive is sparse",
                advice: "Create the archive again without --sparse.")
        }
        guard entry.size <= TarArchive.sizeLimit else {
            throw FileError(
                path: path,
                what:
                    "the file \"\(entry.name)\" in the archive has \(entry.size) bytes, more than the "
                    + "limit of \(TarArchive.sizeLimit)",
                advice: "Remove it from the archive.")
        }
    }

    /// Returns the content of the entry that `next()` returned last, whose first bytes `head` were read.
    mutating func content(_ entry: TarArchive.Entry, after head: [UInt8] = []) throws -> [UInt8] {
        try Self.check(entry, path: file.path)
        let bytes = try stream.readAll(entry.size - head.count)
        try stream.skip(padding(entry.size))
        return head.isEmpty ? bytes : head + bytes
    }

    /// Returns the next `count` bytes of the content.
    mutating func part(_ count: Int) throws -> [UInt8] { try stream.readAll(count) }

    /// Skips the content of the entry that `next()` returned last, of which `count` bytes were read.
    mutating func skip(_ entry: TarArchive.Entry, after count: Int = 0) throws {
        try stream.skip(entry.size - count)
        try stream.skip(padding(entry.size))
    }

    private mutating func skip(_ size: Int) throws {
        try stream.skip(size)
        try stream.skip(padding(size))
    }

    private func padding(_ size: Int) -> Int { (512 - size % 512) % 512 }

    private mutating func extensionContent(_ size: Int) throws -> [UInt8] {
        guard size <= Self.extensionLimit else { throw broken("a header has \(size) bytes") }
        let bytes = try stream.readAll(size)
        try stream.skip(padding(size))
        return bytes
    }

    // MARK: Headers

    private struct Header {
        var name: [UInt8]
        var size: Int
        var kind: UInt8
        var target: [UInt8]
        /// Whether a further block follows the header of a sparse file (GNU).
        var continues: Bool
    }

    /// Returns the next header block, or nil at the end of the archive.
    private mutating func nextHeader() throws -> Header? {
        let block = try stream.read(512)
        guard block.count == 512 else {
            throw isFirst ? notTar() : broken("the end marker is missing, so the archive is truncated")
        }
        if block.allSatisfy({ $0 == 0 }) {
            guard !isFirst else { throw notTar() }
            // The end marker consists of two such blocks, but some writers write only one.
            try stream.drain()
            return nil
        }
        let claimed = try? octal(block[148..<156])
        let sum = block.enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element))
        }
        guard claimed == sum else { throw isFirst ? notTar() : broken("the checksum of a header is wrong") }
        isFirst = false
        var name = Array(block[0..<100].prefix { $0 != 0 })
        let isPosix = Array(block[257..<263]) == Array("ustar\0".utf8)
        if isPosix, block[345] != 0 {
            name = block[345..<500].prefix { $0 != 0 } + [UInt8(ascii: "/")] + name
        }
        return Header(
            name: name, size: try octal(block[124..<136]), kind: block[156],
            target: Array(block[157..<257].prefix { $0 != 0 }), continues: block[482] != 0)
    }

    /// Parses a number in octal digits, or in binary if the first bit is set (GNU).
    private func octal(_ field: ArraySlice<UInt8>) throws -> Int {
        if field.first! & 0x80 != 0 {
            guard field.first! == 0x80 else { throw broken("a number is negative") }
            return try field.dropFirst().reduce(0) { value, byte in
                guard value >> 50 == 0 else { throw broken("a number is too large") }
                return value << 8 | Int(byte)
            }
        }
        let digits = field.drop { $0 == 32 }.prefix { $0 != 32 && $0 != 0 }
        return try digits.reduce(0) { value, byte in
            guard (48..<56).contains(byte), value >> 50 == 0 else { throw broken("a number is invalid") }
            return value << 3 | Int(byte - 48)
        }
    }

    private func number(_ text: String) throws -> Int {
        guard let value = Int(text), value >= 0, value >> 60 == 0 else {
            throw broken("the size \"\(text)\" is invalid")
        }
        return value
    }

    /// Parses records of the form "LENGTH KEY=VALUE\n", where the length is that of the whole record.
    private func parsePax(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        var at = 0
        while at < bytes.count {
            let digits = bytes[at...].prefix(8).prefix { $0 != 32 }
            guard let count = Int(text(digits)), count > digits.count + 1, count <= bytes.count - at,
                bytes[at + count - 1] == UInt8(ascii: "\n")
            else { throw broken("a pax header is invalid") }
            let record = bytes[(at + digits.count + 1)..<(at + count - 1)]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw broken("a pax header is invalid")
            }
            result[text(record[..<equals])] = Array(record[(equals + 1)...])
            at += count
        }
        return result
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private func notTar() -> FileError { FileError.mismatch(file, expected: "a tar archive") }

    private func broken(_ what: String) -> FileError {
        FileError.broken(file.path, "the tar archive is damaged: \(what)")
    }
}
