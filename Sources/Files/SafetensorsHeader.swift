/// Parser of the JSON header of a safetensors file.
///
/// The grammar is restricted to an object of objects with fixed keys, so the parser is not recursive and supports no
/// other JSON.
struct SafetensorsHeader {
    struct Item {
        var name: String
        var dtype: String
        var shape: [Int]
        var start: Int
        var end: Int
    }

    private(set) var items: [Item] = []
    private(set) var metadata: [String: String] = [:]
    /// Byte ranges of metadata values in the header, without their quotes.
    private(set) var metadataRanges: [String: Range<Int>] = [:]

    private let path: String
    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    static func parse(_ bytes: UnsafeRawBufferPointer, path: String) throws -> SafetensorsHeader {
        var header = SafetensorsHeader(path: path, bytes: bytes)
        try header.parse()
        return header
    }

    private init(path: String, bytes: UnsafeRawBufferPointer) {
        self.path = path
        self.bytes = bytes
    }

    private mutating func parse() throws {
        var names = Set<String>()
        try object { header, name in
            guard names.insert(name).inserted else {
                throw header.broken("the name \"\(name)\" occurs twice")
            }
            if name == "__metadata__" { try header.parseMetadata() } else { try header.parseItem(name) }
        }
        // Headers can be padded with spaces.
        while at < bytes.count, bytes[at] == 0x20 { at += 1 }
        guard at == bytes.count else { throw broken("other data follows the header") }
    }

    private mutating func parseMetadata() throws {
        try object { header, key in
            header.skipSpace()
            let start = header.at + 1
            let value = try header.string()
            guard header.metadata.updateValue(value, forKey: key) == nil else {
                throw header.broken("the metadata \"\(key)\" occurs twice")
            }
            header.metadataRanges[key] = start..<(header.at - 1)
        }
    }

    private mutating func parseItem(_ name: String) throws {
        var dtype: String?
        var shape: [Int]?
        var offsets: [Int]?
        try object { header, key in
            switch key {
            case "dtype" where dtype == nil: dtype = try header.string()
            case "shape" where shape == nil: shape = try header.integers()
            case "data_offsets" where offsets == nil: offsets = try header.integers()
            default: throw header.broken("the tensor \"\(name)\" has a duplicate or unknown field \"\(key)\"")
            }
        }
        guard let dtype, let shape, let offsets, offsets.count == 2 else {
            throw broken("the tensor \"\(name)\" lacks its dtype, shape or two data_offsets")
        }
        items.append(Item(name: name, dtype: dtype, shape: shape, start: offsets[0], end: offsets[1]))
    }

    // MARK: JSON

    private func broken(_ what: String) -> FileError {
        FileError.broken(path, "the safetensors header is invalid near byte \(8 + at): \(what)")
    }

    private mutating func skipSpace() {
        while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == character.asciiValue else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ character: Character) throws {
        guard take(character) else { throw broken("expected \"\(character)\"") }
    }

    private mutating func object(_ member: (inout SafetensorsHeader, String) throws -> Void) throws {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    private mutating func integers() throws -> [Int] {
        try expect("[")
        var values: [Int] = []
        if take("]") { return values }
        repeat {
            skipSpace()
            let start = at
            var value = 0
            while at < bytes.count, (0x30...0x39).contains(bytes[at]) {
                let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tenfold.addingReportingOverflow(Int(bytes[at]) - 0x30)
                guard !overflow, !carry else { throw broken("a number is too large") }
                value = sum
                at += 1
            }
            guard at > start, at == start + 1 || bytes[start] != 0x30 else {
                throw broken("expected an integer of at least 0")
            }
            values.append(value)
            // No tensor has more dimensions.
            guard values.count <= 64 else { throw broken("a list has more than 64 numbers") }
        } while take(",")
        try expect("]")
        return values
    }

    private mutating func string() throws -> String {
        try expect("\"")
        var text: [UInt8] = []
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case 0x22:
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw broken("a string is not valid UTF-8")
                }
                return string
            case 0x5C: text += try escape()
            case 0..<0x20: throw broken("a string contains a control character")
            default: text.append(byte)
            }
        }
        throw broken("a string is not terminated")
    }

    /// Parses an escape sequence after the backslash and returns its UTF-8 bytes.
    private mutating func escape() throws -> [UInt8] {
        guard at < bytes.count else { throw broken("a string is not terminated") }
        let kind = bytes[at]
        at += 1
        switch kind {
        case 0x22, 0x5C, 0x2F: return [kind]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            if (0xD800..<0xDC00).contains(code) {
                guard at + 1 < bytes.count, bytes[at] == 0x5C, bytes[at + 1] == UInt8(ascii: "u") else {
                    throw broken("a surrogate pair is incomplete")
                }
                at += 2
                let low = UInt32(try hexadecimal())
                guard (0xDC00..<0xE000).contains(low) else { throw broken("a surrogate pair is incomplete") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw broken("a surrogate pair is incomplete") }
            return Array(String(scalar).utf8)
        default: throw broken("an escape sequence is unknown")
        }
    }

    private mutating func hexadecimal() throws -> UInt16 {
        guard at + 4 <= bytes.count,
            bytes[at..<at + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw broken("expected four hexadecimal digits") }
        at += 4
        return value
    }
}
