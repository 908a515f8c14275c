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

/// The bytes that a tar archive is read from, in order.
struct TarStream {
    private enum Source {
        case plain(MappedFile)
        case gzip(GzipStream)
    }

    private let source: Source
    private let path: String
    /// How many bytes of the archive were passed.
    private(set) var position = 0

    init(_ file: MappedFile) throws {
        path = file.path
        source = try GzipStream.detect(file) ? .gzip(GzipStream(file)) : .plain(file)
    }

    /// The next `count` bytes; fewer at the end. Memory is taken as bytes arrive, not as they are announced.
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

    /// The next `count` bytes, all of them.
    mutating func readAll(_ count: Int) throws -> [UInt8] {
        let bytes = try read(count)
        guard bytes.count == count else { throw FileError.broken(path, "the tar archive ends too early") }
        return bytes
    }

    /// Passes over `count` bytes.
    mutating func skip(_ count: Int) throws {
        var left = count
        while left > 0 {
            if case .plain(let file) = source {
                guard left <= file.count - position else {
                    throw FileError.broken(path, "the tar archive ends too early")
                }
                position += left
                return
            }
            left -= try readAll(min(left, 1 << 20)).count
        }
    }

    /// Reads what is left, so that a compressed stream's checksum is compared.
    mutating func drain() throws {
        if case .plain = source { return }
        while try !read(1 << 20).isEmpty {}
    }
}

/// Goes from header to header through a tar archive.
struct TarWalker {
    private let file: MappedFile
    private var stream: TarStream
    private var isFirst = true

    /// The most that a long name or a pax header may take.
    private static let extensionLimit = 1 << 20

    init(_ file: MappedFile) throws {
        self.file = file
        stream = try TarStream(file)
    }

    /// The next regular file; its content must then be taken or passed. `nil` at the archive's end.
    mutating func next() throws -> TarArchive.Entry? {
        var longName: String?
        var pax: [String: String] = [:]
        while let header = try nextHeader() {
            let size = try pax["size"].map { try number($0) } ?? header.size
            switch header.kind {
            case UInt8(ascii: "L"):
                longName = text(try extensionContent(header.size).prefix { $0 != 0 })
            case UInt8(ascii: "x"):
                pax = try parsePax(try extensionContent(header.size))
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
                let name = pax["path"] ?? longName ?? header.name
                guard pax["GNU.sparse.major"] == nil, pax["GNU.sparse.map"] == nil else { throw sparse(name) }
                // Before POSIX a folder was a file whose name ends with a slash.
                if name.hasSuffix("/") {
                    try pass(size)
                } else {
                    return TarArchive.Entry(name: name, size: size, offset: stream.position)
                }
                (longName, pax) = (nil, [:])
            case UInt8(ascii: "S"): throw sparse(longName ?? header.name)
            case UInt8(ascii: "K"), UInt8(ascii: "g"): try pass(header.size)
            // Links, devices and folders have no content, whatever their size field says.
            case UInt8(ascii: "1")...UInt8(ascii: "6"): (longName, pax) = (nil, [:])
            default:
                try pass(size)
                (longName, pax) = (nil, [:])
            }
        }
        return nil
    }

    /// The content of the entry that `next()` gave last.
    mutating func content(_ entry: TarArchive.Entry) throws -> [UInt8] {
        guard entry.size <= TarArchive.sizeLimit else {
            throw FileError(
                path: file.path, what: "the file \"\(entry.name)\" in the archive has \(entry.size) bytes",
                advice: "More than \(TarArchive.sizeLimit) cannot be a picture; skip it.")
        }
        let bytes = try stream.readAll(entry.size)
        try stream.skip(padding(entry.size))
        return bytes
    }

    /// Passes over the content of the entry that `next()` gave last.
    mutating func pass(_ entry: TarArchive.Entry) throws { try pass(entry.size) }

    private mutating func pass(_ size: Int) throws {
        try stream.skip(size)
        try stream.skip(padding(size))
    }

    private func padding(_ size: Int) -> Int { (512 - size % 512) % 512 }

    private mutating func extensionContent(_ size: Int) throws -> [UInt8] {
        guard size <= Self.extensionLimit else { throw broken("a header of \(size) bytes") }
        let bytes = try stream.readAll(size)
        try stream.skip(padding(size))
        return bytes
    }

    // MARK: Headers

    private struct Header {
        var name: String
        var size: Int
        var kind: UInt8
    }

    /// The next header block; `nil` at the end of the archive.
    private mutating func nextHeader() throws -> Header? {
        let block = try stream.read(512)
        guard block.count == 512 else {
            throw isFirst ? notTar() : broken("it stops without an end mark, so a part is missing")
        }
        if block.allSatisfy({ $0 == 0 }) {
            guard !isFirst else { throw notTar() }
            // The end mark is two such blocks; some writers leave it at one.
            try stream.drain()
            return nil
        }
        let claimed = try? octal(block[148..<156])
        let sum = block.enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element))
        }
        guard claimed == sum else { throw isFirst ? notTar() : broken("a header's checksum is wrong") }
        isFirst = false
        var name = text(block[0..<100].prefix { $0 != 0 })
        let isPosix = Array(block[257..<263]) == Array("ustar\0".utf8)
        if isPosix, block[345] != 0 { name = text(block[345..<500].prefix { $0 != 0 }) + "/" + name }
        return Header(name: name, size: try octal(block[124..<136]), kind: block[156])
    }

    /// A number in octal digits, or in binary if the first bit is set (GNU).
    private func octal(_ field: ArraySlice<UInt8>) throws -> Int {
        if field.first! & 0x80 != 0 {
            guard field.first! == 0x80 else { throw broken("a negative number") }
            return try field.dropFirst().reduce(0) { value, byte in
                guard value >> 50 == 0 else { throw broken("a number that does not fit") }
                return value << 8 | Int(byte)
            }
        }
        let digits = field.drop { $0 == 32 }.prefix { $0 != 32 && $0 != 0 }
        return try digits.reduce(0) { value, byte in
            guard (48..<56).contains(byte), value >> 50 == 0 else { throw broken("a number that is none") }
            return value << 3 | Int(byte - 48)
        }
    }

    private func number(_ text: String) throws -> Int {
        guard let value = Int(text), value >= 0, value >> 60 == 0 else {
            throw broken("the size \"\(text)\"")
        }
        return value
    }

    /// Records of the form "LENGTH KEY=VALUE\n", where the length counts the whole record.
    private func parsePax(_ bytes: [UInt8]) throws -> [String: String] {
        var result: [String: String] = [:]
        var at = 0
        while at < bytes.count {
            let digits = bytes[at...].prefix(8).prefix { $0 != 32 }
            guard let count = Int(text(digits)), count > digits.count + 1, count <= bytes.count - at,
                bytes[at + count - 1] == UInt8(ascii: "\n")
            else { throw broken("a pax header") }
            let record = bytes[(at + digits.count + 1)..<(at + count - 1)]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else { throw broken("a pax header") }
            result[text(record[..<equals])] = text(record[(equals + 1)...])
            at += count
        }
        return result
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private func notTar() -> FileError { FileSignature.mismatch(file, expected: "a tar archive") }

    private func broken(_ what: String) -> FileError {
        FileError.broken(file.path, "the tar archive is damaged: \(what)")
    }

    private func sparse(_ name: String) -> FileError {
        FileError(
            path: file.path, what: "the file \"\(name)\" in the archive is sparse",
            advice: "Pack it again without --sparse.")
    }
}
