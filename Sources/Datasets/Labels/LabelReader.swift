import Files

/// Reader of the label files of a source.
struct LabelReader {
    /// Labels, one row per picture.
    var labels: Labels
    /// Mismatches between pictures and labels.
    private(set) var issues: [LabelIssue] = []
    /// Hash input that identifies the content of the files.
    private(set) var digest: [UInt8] = []
    private let names: [String]

    /// Maximum magnitude of a landmark in pixels: the longest side of a picture.
    private static let landmarkLimit: Float = 65_535

    /// - Parameter names: names of the pictures.
    init(names: [String]) {
        self.names = names
        labels = Labels(count: names.count)
    }

    /// Reads the tables and `dataset.json`, and matches their rows with the pictures.
    ///
    /// - Throws: `FileError` if a file cannot be read; `DataError` if the attribute file has no column names or
    ///   `dataset.json` has another structure.
    mutating func read(_ files: LabelFiles) throws {
        if files.isCelebA {
            if let file = files.attributes { try readAttributes(file) }
            if let file = files.partition {
                labels.splits = try fill(file, width: 1, unknown: DataSplit.unknownCode) {
                    (0...2).contains($0) ? UInt8($0) : nil
                }
            }
            if let file = files.identity {
                labels.identities = try fill(file, width: 1, unknown: -1) { $0 >= 0 ? Int32($0) : nil }
            }
            if let file = files.landmarks {
                labels.landmarks = try fill(
                    file, width: Labels.landmarkWidth, hasFractions: true, unknown: .nan
                ) { $0.magnitude <= Self.landmarkLimit ? $0 : nil }
            }
        } else if let file = files.maskAttributes {
            try readAttributes(file)
        }
        if !files.json.isEmpty {
            var reader = DatasetJSON()
            for file in files.json {
                let bytes = try file.bytes()
                add(bytes)
                try reader.read(bytes, path: file.path, folder: file.folder)
            }
            issues += reader.match(names, into: &labels)
        }
    }

    private mutating func readAttributes(_ file: LabelFile) throws {
        let bytes = try file.bytes()
        let table = LabelTable(bytes, file: file.name)
        guard !table.columns.isEmpty else {
            throw DataError(
                "\(file.path): the line with the attribute names is missing; CelebA's file has it after "
                    + "the number of rows: download the file again or remove it")
        }
        add(bytes)
        labels.attributeNames = table.columns
        labels.attributes = match(table, unknown: 0) { $0 == 1 ? 1 : ($0 == -1 || $0 == 0 ? -1 : nil) }
    }

    private mutating func fill<T>(
        _ file: LabelFile, width: Int, hasFractions: Bool = false, unknown: T, _ convert: (Float) -> T?
    ) throws -> [T] {
        let bytes = try file.bytes()
        add(bytes)
        let table = LabelTable(bytes, file: file.name, width: width, hasFractions: hasFractions)
        guard table.width == width || table.names.isEmpty else {
            throw DataError(
                "\(file.path): expected \(width) value\(width == 1 ? "" : "s") per row, got \(table.width): download the "
                    + "file again or remove it")
        }
        return table.names.isEmpty
            ? match(table, width: width, unknown: unknown) : match(table, unknown: unknown, convert)
    }

    private mutating func match<T>(_ table: LabelTable, unknown: T, _ convert: (Float) -> T?) -> [T] {
        let (values, found) = table.matched(names, unknown: unknown, convert)
        issues += table.issues + found
        return values
    }

    /// Values for a table without rows.
    private mutating func match<T>(_ table: LabelTable, width: Int, unknown: T) -> [T] {
        issues += table.issues
        issues += names.map { LabelIssue(kind: .missingRow, file: table.file, subject: $0, detail: "") }
        return Array(repeating: unknown, count: names.count * width)
    }

    private mutating func add(_ bytes: [UInt8]) { digest += Array(Digest.sha256(bytes).utf8) }
}
