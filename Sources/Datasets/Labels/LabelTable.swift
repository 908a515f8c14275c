/// A text table of integers with one row per picture, in the format of CelebA's label files.
///
/// The format is an optional line with the number of rows, an optional line with the column names, then `000001.jpg 1
/// -1 …`. Commas are separators too, so that the CSV editions of the files can be read.
struct LabelTable {
    let file: String
    private(set) var columns: [String] = []
    /// The number of values per row.
    private(set) var width = 0
    /// Row number by the picture's file name without folders and extension, so that PNG editions match the same rows.
    private(set) var rows: [String: Int] = [:]
    /// Values of all rows, [rows, width].
    private(set) var values: [Int32] = []
    private(set) var issues: [LabelIssue] = []

    /// Parses a table. Malformed rows are recorded in `issues`.
    /// - Parameter width: the required number of values per row; nil to use that of the column names or the first
    ///   row.
    init(_ bytes: [UInt8], file: String, width expectedWidth: Int? = nil) {
        self.file = file
        if let expectedWidth { width = expectedWidth }
        var announced: Int?
        var lineNumber = 0
        var rowCount = 0
        var tokens: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            lineNumber += 1
            LabelTable.split(bytes, start..<end, into: &tokens)
            start = end + 1
            guard !tokens.isEmpty else { continue }
            if lineNumber == 1, tokens.count == 1, let count = LabelTable.integer(bytes, tokens[0]) {
                announced = Int(count)
                continue
            }
            if rowCount == 0, columns.isEmpty, isHeader(bytes, tokens) {
                columns = tokens.map { String(decoding: bytes[$0], as: UTF8.self) }
                if columns[0] == "image_id" { columns.removeFirst() }
                if expectedWidth == nil { width = columns.count }
                continue
            }
            if width == 0 { width = tokens.count - 1 }
            rowCount += 1
            addRow(bytes, tokens, line: lineNumber)
        }
        if let announced, announced != rowCount {
            add(.countMismatch, "line 1", "the line states \(announced) rows, but there are \(rowCount)")
        }
    }

    /// The key of a picture's row.
    static func key(_ name: String) -> String {
        let file =
            name.utf8.lastIndex(of: UInt8(ascii: "/")).map { name[name.utf8.index(after: $0)...] }
            ?? name[...]
        guard let dot = file.utf8.lastIndex(of: UInt8(ascii: ".")) else { return String(file) }
        return String(file[..<dot])
    }

    private mutating func addRow(_ bytes: [UInt8], _ tokens: [Range<Int>], line: Int) {
        let name = String(decoding: bytes[tokens[0]], as: UTF8.self)
        guard tokens.count == width + 1 else {
            add(.malformedRow, name, "line \(line) has \(tokens.count - 1) values, expected \(width)")
            return
        }
        let first = values.count
        for token in tokens.dropFirst() {
            guard let value = LabelTable.integer(bytes, token) else {
                let text = String(decoding: bytes[token].prefix(40), as: UTF8.self)
                add(.malformedRow, name, "line \(line): '\(text)' is not an integer")
                values.removeLast(values.count - first)
                return
            }
            values.append(value)
        }
        let key = LabelTable.key(name)
        if rows[key] != nil { add(.duplicateRow, name, "line \(line); the last one is used") }
        rows[key] = first / max(width, 1)
    }

    private mutating func add(_ kind: LabelIssue.Kind, _ subject: String, _ detail: String) {
        issues.append(LabelIssue(kind: kind, file: file, subject: subject, detail: detail))
    }

    /// Whether a line has column names. A row begins with a file name, which contains a dot, followed by numbers.
    private func isHeader(_ bytes: [UInt8], _ tokens: [Range<Int>]) -> Bool {
        !bytes[tokens[0]].contains(UInt8(ascii: "."))
            && tokens.dropFirst().allSatisfy { LabelTable.integer(bytes, $0) == nil }
    }

    private static func split(_ bytes: [UInt8], _ line: Range<Int>, into tokens: inout [Range<Int>]) {
        tokens.removeAll(keepingCapacity: true)
        var i = line.lowerBound
        while i < line.upperBound {
            while i < line.upperBound, isSeparator(bytes[i]) { i += 1 }
            let start = i
            while i < line.upperBound, !isSeparator(bytes[i]) { i += 1 }
            if i > start { tokens.append(start..<i) }
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == UInt8(ascii: ",")
    }

    private static func integer(_ bytes: [UInt8], _ token: Range<Int>) -> Int32? {
        var i = token.lowerBound
        let isNegative = bytes[i] == UInt8(ascii: "-")
        if isNegative { i += 1 }
        guard i < token.upperBound, token.upperBound - i <= 9 else { return nil }
        var value: Int32 = 0
        while i < token.upperBound {
            guard bytes[i] >= 0x30, bytes[i] <= 0x39 else { return nil }
            value = value * 10 + Int32(bytes[i] - 0x30)
            i += 1
        }
        return isNegative ? -value : value
    }
}
