import Files

/// Lines before the rows and roles of the columns of a table, inferred from its first lines.
struct TableForm {
    /// The number of rows that the first line states; nil if it has no such number.
    private(set) var announced: Float?
    /// The number of lines before the first row.
    private(set) var headLines = 0
    /// Different titles of the columns of values; empty if there are none. A column without a title has its number.
    private(set) var columns: [String] = []
    /// The number of fields per row.
    private(set) var fieldCount = 0
    /// Column of the names of the pictures.
    private(set) var nameColumn = 0
    /// Columns of the values.
    private(set) var valueColumns: [Int] = []

    /// The number of rows from which the roles are inferred.
    private static let sampleCount = 32

    /// - Parameters:
    ///   - table: the table, at its beginning.
    ///   - width: the required number of values per row; nil to infer it.
    init(_ table: TableScanner, width: Int?) {
        var scanner = table
        var fields: [Range<Int>] = []
        var head: [Range<Int>]?
        var rows: [[Range<Int>]] = []
        while rows.count < Self.sampleCount, scanner.next(&fields) {
            if headLines == 0, announced == nil, let count = Self.count(scanner, fields) {
                announced = count
                headLines += 1
            } else if head == nil, rows.isEmpty, Self.isHead(scanner, fields) {
                head = fields
                headLines += 1
            } else {
                rows.append(fields)
            }
        }
        var titles = head.map { $0.map { scanner.text($0) } } ?? []
        while titles.last?.isEmpty == true { titles.removeLast() }
        fieldCount = Self.fieldCount(
            rows, titles: titles.count, isPlain: scanner.separator == nil, width: width)
        nameColumn = Self.nameColumn(scanner, rows.filter { $0.count == fieldCount }, titles)
        // CelebA's files have no title for the column with the names.
        if !titles.isEmpty, titles.count == fieldCount - 1 {
            titles.insert("", at: min(nameColumn, titles.count))
        }
        let others = (0..<fieldCount).filter { $0 != nameColumn }
        let counters = others.filter { column in
            // Only as many columns can be ignored as there are more than required.
            guard width == nil || others.count > width ?? 0 else { return false }
            let title = column < titles.count ? titles[column].lowercased() : nil
            let isUntitled =
                title.map { $0.isEmpty || $0.hasPrefix("unnamed") || $0 == "index" } ?? (column == 0)
            return isUntitled && column < nameColumn || column == 0 && Self.isCounter(scanner, rows, column)
        }
        valueColumns = others.filter { !counters.contains($0) }
        if titles.count == fieldCount {
            columns = FileNames.distinct(
                valueColumns.map { titles[$0].isEmpty ? "column \($0 + 1)" : titles[$0] })
        }
    }

    /// The number in a first line that has nothing else.
    private static func count(_ table: TableScanner, _ fields: [Range<Int>]) -> Float? {
        guard fields.dropFirst().allSatisfy(\.isEmpty), let first = fields.first,
            let count = table.number(first),
            count >= 0, count == count.rounded(), count < 1e9
        else { return nil }
        return count
    }

    /// Whether a line has titles: no numbers and no name of a picture, or no name at its beginning.
    private static func isHead(_ table: TableScanner, _ fields: [Range<Int>]) -> Bool {
        if fields[0].isEmpty { return true }
        return fields.allSatisfy { field in
            field.isEmpty
                || table.number(field) == nil && !PictureNames.hasPictureExtension(table.text(field))
        }
    }

    /// The most frequent number of fields, without empty ones at the end.
    private static func fieldCount(_ rows: [[Range<Int>]], titles: Int, isPlain: Bool, width: Int?) -> Int {
        var frequency: [Int: Int] = [:]
        for row in rows {
            let filled = (row.lastIndex { !$0.isEmpty } ?? 0) + 1
            frequency[max(filled, min(row.count, titles)), default: 0] += 1
        }
        // Without rows, and with different numbers, the titles decide.
        if let count = [titles, titles + 1].first(where: {
            $0 > 1 && frequency[$0, default: 0] * 2 >= rows.count
        }),
            titles > 0, !rows.isEmpty
        {
            return frequency[titles + 1, default: 0] > frequency[titles, default: 0] ? titles + 1 : count
        }
        if let common = frequency.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key {
            return max(2, common)
        }
        return max(2, width.map { $0 + 1 } ?? (isPlain ? titles + 1 : titles))
    }

    /// The first column that has no numbers; otherwise the first one after a column without a title.
    private static func nameColumn(_ table: TableScanner, _ rows: [[Range<Int>]], _ titles: [String]) -> Int {
        let count = rows.first?.count ?? 0
        for column in 0..<count {
            let texts = rows.filter { !$0[column].isEmpty && table.number($0[column]) == nil }.count
            if texts * 2 > rows.count { return column }
        }
        let isUntitled = titles.first.map { $0.isEmpty || $0.lowercased().hasPrefix("unnamed") } ?? false
        return isUntitled && titles.count == count && count > 2 ? 1 : 0
    }

    /// Whether a column has the numbers of the rows.
    private static func isCounter(_ table: TableScanner, _ rows: [[Range<Int>]], _ column: Int) -> Bool {
        let numbers = rows.compactMap { $0.count > column ? table.number($0[column]) : nil }
        return numbers.count >= 3 && numbers.count == rows.count
            && zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 }
    }
}
