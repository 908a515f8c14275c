import Files

/// A text table of numbers with one row per picture: a label file of CelebA in its original format or as written by
/// spreadsheets and pandas.
///
/// The format is an optional line with the number of rows, an optional line with the column names, then `000001.jpg 1
/// -1 …`. Separators can be spaces, tabs, commas, semicolons or vertical bars; see `TableScanner`. A column with the
/// number of the row is ignored, and so is the title of the column with the names.
struct LabelTable {
    let file: String
    private(set) var columns: [String] = []
    /// The number of values per row.
    private(set) var width = 0
    /// Names of the pictures, by row.
    private(set) var names: [String] = []
    /// Values of all rows, [rows, width].
    private(set) var values: [Float] = []
    private(set) var issues: [LabelIssue] = []

    /// Row number by the file name without folders and extension, so that PNG editions match the same rows.
    private var stems: [String: Int] = [:]
    /// As `stems` for names that are not ASCII, which can differ in their Unicode normal form only.
    private var exactStems: [FileName: Int] = [:]
    /// Row number by the path without extension, of rows whose names contain folders.
    private var paths: [String: Int] = [:]
    /// File names that occur in several folders.
    private var ambiguous: Set<String> = []

    /// Parses a table. Malformed rows are recorded in `issues`.
    /// - Parameters:
    ///   - width: the required number of values per row; nil to use that of the column names or the first rows.
    ///   - hasFractions: whether values need not be integers.
    init(_ bytes: [UInt8], file: String, width expectedWidth: Int? = nil, hasFractions: Bool = false) {
        self.file = file
        var scanner = TableScanner.open(bytes)
        let form = TableForm(scanner, width: expectedWidth)
        columns = form.columns
        width = form.valueColumns.count
        var fields: [Range<Int>] = []
        for _ in 0..<form.headLines { _ = scanner.next(&fields) }
        var rowCount = 0
        while scanner.next(&fields) {
            rowCount += 1
            while fields.count > form.fieldCount, fields.last?.isEmpty == true { fields.removeLast() }
            addRow(scanner, fields, form, hasFractions: hasFractions)
        }
        if let announced = form.announced, announced != Float(rowCount) {
            add(
                .countMismatch, "line 1",
                "the line states \(Int(announced)) rows, but there are \(rowCount)")
        }
    }

    private mutating func addRow(
        _ scanner: TableScanner, _ fields: [Range<Int>], _ form: TableForm, hasFractions: Bool
    ) {
        let nameField = fields.count > form.nameColumn ? fields[form.nameColumn] : fields[0]
        let name = Self.path(scanner.text(nameField))
        func malformed(_ reason: String) {
            add(.malformedRow, name, "line \(scanner.line): \(reason): '\(scanner.excerpt(fields))'")
        }
        guard fields.count == form.fieldCount else {
            let others = form.fieldCount - width
            return malformed("expected \(width) values, got \(max(0, fields.count - others))")
        }
        guard !name.isEmpty else { return malformed("the name of the picture is missing") }
        let first = values.count
        for (position, column) in form.valueColumns.enumerated() {
            let value = scanner.number(fields[column])
            guard let value, hasFractions || value == value.rounded() && abs(value) <= 16_777_216 else {
                let title = position < columns.count ? " of \(columns[position])" : ""
                values.removeLast(values.count - first)
                return malformed(
                    "the value '\(scanner.text(fields[column]).prefix(40))'\(title) is not "
                        + (hasFractions ? "a number" : "an integer"))
            }
            values.append(value)
        }
        index(name, line: scanner.line)
        if scanner.isWindows1252 { indexEscaped(name) }
    }

    /// Records the name of the row that was read last.
    private mutating func index(_ name: String, line: Int) {
        let row = names.count
        names.append(name)
        let stem = Self.stem(name)
        if name.utf8.contains(UInt8(ascii: "/")) {
            if paths.updateValue(row, forKey: Self.withoutExtension(name)) != nil {
                add(.duplicateRow, name, "line \(line); the last one is used")
            } else if stems[stem] != nil {
                ambiguous.insert(stem)
            }
        } else if Self.isASCII(stem) ? stems[stem] != nil : exactStems[FileName(stem)] != nil {
            add(.duplicateRow, name, "line \(line); the last one is used")
        }
        stems[stem] = row
        if !Self.isASCII(stem) { exactStems[FileName(stem)] = row }
    }

    /// Also records the name of a file that was written in the encoding of the table, whose other bytes are escaped.
    private mutating func indexEscaped(_ name: String) {
        guard !Self.isASCII(name), let bytes = Windows1252.bytes(name) else { return }
        let row = names.count - 1
        let escaped = FileNames.text(bytes)
        stems[Self.stem(escaped)] = row
        if name.utf8.contains(UInt8(ascii: "/")) { paths[Self.withoutExtension(escaped)] = row }
    }

    private static func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    private mutating func add(_ kind: LabelIssue.Kind, _ subject: String, _ detail: String) {
        issues.append(LabelIssue(kind: kind, file: file, subject: subject, detail: detail))
    }

    /// The row of a picture, and the number of the picture's folders that the row lacks: none for equal paths, `Int.max`
    /// if only the file names are equal; nil if there is none.
    private func row(of picture: String) -> (row: Int, missing: Int)? {
        if !paths.isEmpty {
            var path = Self.withoutExtension(picture)[...]
            var missing = 0
            while true {
                if let row = paths[String(path)] { return (row, missing) }
                guard let slash = path.utf8.firstIndex(of: UInt8(ascii: "/")) else { break }
                path = path[path.utf8.index(after: slash)...]
                missing += 1
            }
        }
        let stem = Self.stem(picture)
        if ambiguous.contains(stem) { return nil }
        return ((Self.isASCII(stem) ? nil : exactStems[FileName(stem)]) ?? stems[stem]).map { ($0, Int.max) }
    }

    /// The rows of pictures; nil for a picture without a row.
    ///
    /// A row whose name has folders describes the one picture whose path agrees best. If several agree equally, it
    /// describes none of them.
    private func rows(of pictures: [String]) -> [Int?] {
        let found = pictures.map { row(of: $0) }
        var best: [Int: (missing: Int, count: Int)] = [:]
        for case let match? in found where names[match.row].utf8.contains(UInt8(ascii: "/")) {
            let known = best[match.row] ?? (match.missing, 0)
            if match.missing < known.missing {
                best[match.row] = (match.missing, 1)
            } else if match.missing == known.missing {
                best[match.row] = (known.missing, known.count + 1)
            }
        }
        return found.map { match in
            guard let match, let best = best[match.row] else { return match?.row }
            // Pictures with equal paths differ in the extension only.
            return match.missing == best.missing && (best.count == 1 || best.missing == 0) ? match.row : nil
        }
    }

    /// Rows without folders that describe pictures with the same file name in several folders.
    private func sharedRows(_ rows: [Int?], _ pictures: [String]) -> [LabelIssue] {
        var files: [Int: [FileName: Int]] = [:]
        let counts = rows.reduce(into: [Int](repeating: 0, count: names.count)) {
            if let row = $1 { $0[row] += 1 }
        }
        for (row, picture) in zip(rows, pictures) {
            guard let row, counts[row] > 1, !names[row].utf8.contains(UInt8(ascii: "/")) else { continue }
            files[row, default: [:]][FileName(PictureNames.file(picture)), default: 0] += 1
        }
        return files.sorted { $0.key < $1.key }.compactMap { row, files in
            guard let count = files.values.max(), count > 1 else { return nil }
            return LabelIssue(
                kind: .sharedRow, file: file, subject: names[row],
                detail: "row \(row + 1): \(count) pictures have this file name")
        }
    }

    /// Returns the values of the pictures' rows, [pictures.count, width], and the mismatches between rows and pictures.
    func matched<T>(
        _ pictures: [String], unknown: T, _ convert: (Float) -> T?
    ) -> (values: [T], issues: [LabelIssue]) {
        var matched: [T] = []
        matched.reserveCapacity(pictures.count * width)
        var issues: [LabelIssue] = []
        var isUsed = [Bool](repeating: false, count: names.count)
        let rows = rows(of: pictures)
        for (picture, row) in zip(pictures, rows) {
            guard let row else {
                matched += repeatElement(unknown, count: width)
                issues.append(LabelIssue(kind: .missingRow, file: file, subject: picture, detail: ""))
                continue
            }
            isUsed[row] = true
            for value in values[(row * width)..<((row + 1) * width)] {
                if let converted = convert(value) {
                    matched.append(converted)
                } else {
                    matched.append(unknown)
                    issues.append(
                        LabelIssue(
                            kind: .malformedRow, file: file, subject: picture,
                            detail: "row \(row + 1): \(value.formatted) is not a possible value"))
                }
            }
        }
        for (row, name) in names.enumerated() where !isUsed[row] && self.row(of: name)?.row == row {
            issues.append(
                LabelIssue(kind: .missingPicture, file: file, subject: name, detail: "row \(row + 1)"))
        }
        return (matched, issues + sharedRows(rows, pictures))
    }

    /// A path with `/` between folders and without `./` at its beginning.
    static func path(_ name: String) -> String {
        guard name.utf8.contains(UInt8(ascii: "\\")) || name.utf8.starts(with: "./".utf8) else { return name }
        let path = name.replacing("\\", with: "/")
        return path.utf8.starts(with: "./".utf8) ? String(path.dropFirst(2)) : path
    }

    /// File name without folders and extension.
    static func stem(_ name: String) -> String { withoutExtension(PictureNames.file(name)) }

    private static func withoutExtension(_ name: String) -> String {
        let dot = name.utf8.lastIndex(of: UInt8(ascii: "."))
        let slash = name.utf8.lastIndex(of: UInt8(ascii: "/"))
        guard let dot, slash.map({ dot > $0 }) ?? true else { return name }
        return String(name[..<dot])
    }
}

extension Float {
    /// Text without a decimal point if the value is an integer.
    fileprivate var formatted: String {
        self == rounded() && abs(self) < 1e9 ? String(Int(self)) : String(self)
    }
}
