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
