import Files

/// Reader of the records of a text table.
///
/// Records end with LF, CR or CRLF. Fields can be in double quotes (RFC 4180); they then contain separators, line ends
/// and doubled quotes.
struct TableScanner {
    /// UTF-8 without a byte order mark.
    let bytes: [UInt8]
    /// Whether the file was in Windows-1252.
    let isWindows1252: Bool
    /// The separator of fields; nil for runs of spaces and tabs.
    let separator: UInt8?
    /// Number of the line at which the last record begins, from 1.
    private(set) var line = 0
    private var position = 0
    private var nextLine = 1

    /// Maximum length of a quoted field in bytes. A quote without an end is a character of the field.
    private static let quoteLimit = 4096

    init(_ bytes: [UInt8], separator: UInt8?, isWindows1252: Bool = false) {
        self.bytes = bytes
        self.isWindows1252 = isWindows1252
        self.separator = separator
    }

    /// Reads the next record that is not blank: ranges of its fields without quotes and surrounding spaces. Returns
    /// false at the end.
    mutating func next(_ fields: inout [Range<Int>]) -> Bool {
        while position < bytes.count {
            fields.removeAll(keepingCapacity: true)
            line = nextLine
            readRecord(&fields)
            if fields.contains(where: { !$0.isEmpty }) { return true }
        }
        return false
    }

    /// Text of the record that was read last, shortened, for messages.
    func excerpt(_ fields: [Range<Int>]) -> String {
        guard let first = fields.first, let last = fields.last else { return "" }
        let text = bytes[first.lowerBound..<last.upperBound]
        return FileNames.text(text.prefix(60)) + (text.count > 60 ? "…" : "")
    }

    /// Text of a field. Doubled quotes are single ones; control characters are spaces.
    func text(_ field: Range<Int>) -> String {
        var result: [UInt8] = []
        var at = field.lowerBound
        while at < field.upperBound {
            result.append(bytes[at] < 0x20 ? 0x20 : bytes[at])
            let isDoubled =
                bytes[at] == Self.quote && at + 1 < field.upperBound && bytes[at + 1] == Self.quote
            at += isDoubled ? 2 : 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Value of a field: a number such as `1`, `-1.0`, `+1` or `1,0`, or `true` or `false`; nil for other text.
    func number(_ field: Range<Int>) -> Float? {
        var at = field.lowerBound
        guard at < field.upperBound else { return nil }
        let isNegative = bytes[at] == UInt8(ascii: "-")
        if isNegative || bytes[at] == UInt8(ascii: "+") { at += 1 }
        guard field.upperBound - at <= 7, at < field.upperBound else { return longNumber(field) }
        var value = 0
        while at < field.upperBound {
            guard bytes[at] >= 0x30, bytes[at] <= 0x39 else { return longNumber(field) }
            value = value * 10 + Int(bytes[at] - 0x30)
            at += 1
        }
        return Float(isNegative ? -value : value)
    }

    private func longNumber(_ field: Range<Int>) -> Float? {
        guard field.count <= 40 else { return nil }
        let text = text(field).lowercased()
        if text == "true" { return 1 }
        if text == "false" { return 0 }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.,e".utf8.contains($0) }) else {
            return nil
        }
        let plain = separator == UInt8(ascii: ",") ? text : text.replacing(",", with: ".")
        guard let value = Double(plain), Float(value).isFinite else { return nil }
        return Float(value)
    }

    // MARK: - Records

    private static let quote = UInt8(ascii: "\"")

    private mutating func readRecord(_ fields: inout [Range<Int>]) {
        var at = position
        while true {
            while at < bytes.count, isSpace(bytes[at]) { at += 1 }
            var end: Int
            if at < bytes.count, bytes[at] == Self.quote, let close = closingQuote(from: at + 1) {
                fields.append((at + 1)..<close)
                for byte in bytes[at..<close] where byte == 10 { nextLine += 1 }
                end = close + 1
                while end < bytes.count, isSpace(bytes[end]) { end += 1 }
            } else {
                end = at
                while end < bytes.count, !isEnd(bytes[end]) { end += 1 }
                var last = end
                while last > at, isSpace(bytes[last - 1]) { last -= 1 }
                // Spaces at the end of a line do not begin a further field.
                if separator != nil || last > at { fields.append(at..<last) }
            }
            guard end < bytes.count, bytes[end] != 10, bytes[end] != 13 else {
                position = end
                break
            }
            at = separator == nil ? end : end + 1
        }
        guard position < bytes.count else { return }
        let isPair = bytes[position] == 13 && position + 1 < bytes.count && bytes[position + 1] == 10
        position += isPair ? 2 : 1
        nextLine += 1
    }

    /// Position of the quote that ends a field; nil if there is none, or other text follows it.
    private func closingQuote(from start: Int) -> Int? {
        var at = start
        let limit = min(bytes.count, start + Self.quoteLimit)
        while at < limit {
            guard bytes[at] == Self.quote else {
                at += 1
                continue
            }
            if at + 1 < bytes.count, bytes[at + 1] == Self.quote {
                at += 2
                continue
            }
            var after = at + 1
            while after < bytes.count, separator != nil, isSpace(bytes[after]) { after += 1 }
            return after == bytes.count || isEnd(bytes[after]) ? at : nil
        }
        return nil
    }

    /// Whether a byte surrounds fields without being part of them.
    private func isSpace(_ byte: UInt8) -> Bool { (byte == 0x20 || byte == 0x09) && byte != separator }

    /// Whether a byte ends a field.
    private func isEnd(_ byte: UInt8) -> Bool {
        byte == 10 || byte == 13 || byte == separator || separator == nil && (byte == 0x20 || byte == 0x09)
    }
}

extension TableScanner {
    /// Converts a table to UTF-8 without a byte order mark and selects its separator.
    static func open(_ file: [UInt8]) -> TableScanner {
        var (bytes, isWindows1252) = utf8(file)
        var separator: UInt8??
        // The first line that spreadsheets write to name the separator.
        if bytes.count > 5, bytes.starts(with: "sep=".utf8), bytes[5] == 10 || bytes[5] == 13 {
            separator = bytes[4]
            bytes.removeFirst(5)
        }
        if let separator {
            return TableScanner(bytes, separator: separator, isWindows1252: isWindows1252)
        }
        var best: (score: Int, width: Int, separator: UInt8?) = (-1, 0, nil)
        for candidate in [UInt8(ascii: ";"), 0x09, UInt8(ascii: ","), UInt8(ascii: "|"), nil] {
            let (score, width) = TableScanner(bytes, separator: candidate).plausibility()
            if score > best.score || score == 0 && best.score == 0 && width > best.width {
                best = (score, width, candidate)
            }
        }
        return TableScanner(bytes, separator: best.separator, isWindows1252: isWindows1252)
    }

    /// Returns the number of rows, of the first ones, in which numbers follow a name, and the number of fields of the
    /// first row.
    private func plausibility() -> (score: Int, width: Int) {
        var scanner = self
        var fields: [Range<Int>] = []
        var (score, width, count) = (0, 0, 0)
        while count < 16, scanner.next(&fields) {
            count += 1
            width = max(width, fields.count)
            guard fields.count >= 2 else { continue }
            // The name can follow a column with the number of the row.
            let isRow = { (first: Int) in
                fields.count > first && fields[first...].allSatisfy { number($0) != nil }
            }
            if isRow(1) || number(fields[0]) != nil && isRow(2) || isRow(0) { score += 1 }
        }
        return (score, width)
    }

    /// Returns UTF-8 without a byte order mark. UTF-16 requires a byte order mark. Text in neither encoding is decoded as
    /// Windows-1252, the encoding of spreadsheets, which extends Latin-1.
    private static func utf8(_ file: [UInt8]) -> (bytes: [UInt8], isWindows1252: Bool) {
        let isLittle = file.starts(with: [0xFF, 0xFE])
        if isLittle || file.starts(with: [0xFE, 0xFF]) {
            let units = stride(from: 2, to: file.count - 1, by: 2).map {
                isLittle
                    ? UInt16(file[$0]) | UInt16(file[$0 + 1]) << 8
                    : UInt16(file[$0]) << 8 | UInt16(file[$0 + 1])
            }
            return (Array(String(decoding: units, as: UTF16.self).utf8), false)
        }
        let bytes = file.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(file.dropFirst(3)) : file
        if String(validating: bytes, as: UTF8.self) != nil { return (bytes, false) }
        return (bytes.flatMap { Array(Character(Windows1252.scalar($0)).utf8) }, true)
    }
}

/// The encoding Windows-1252. Bytes without a character are those of Latin-1.
enum Windows1252 {
    /// The character of a byte.
    static func scalar(_ byte: UInt8) -> Unicode.Scalar {
        (0x80..<0xA0).contains(byte) ? special[Int(byte) - 0x80] : Unicode.Scalar(byte)
    }

    /// Bytes of a text; nil if a character is not in the encoding.
    static func bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if let place = special.firstIndex(of: scalar) {
                bytes.append(UInt8(0x80 + place))
            } else if let byte = UInt8(exactly: scalar.value) {
                bytes.append(byte)
            } else {
                return nil
            }
        }
        return bytes
    }

    /// Characters 128 to 159.
    private static let special: [Unicode.Scalar] = Array(
        "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ".unicodeScalars)
}
