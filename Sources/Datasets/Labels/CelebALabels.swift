import Files
import Foundation

/// CelebA's label files, with their official names (`.txt`) or those of the CSV edition.
struct CelebALabels {
    var attributes: String?
    var partition: String?
    var identity: String?
    var landmarks: String?

    /// Paths of all label files that were found.
    var paths: [String] { [attributes, partition, identity, landmarks].compactMap { $0 } }

    /// Searches the given folders in order, and `Anno`, `Eval` and `Identity` inside each. Returns nil if neither
    /// attributes nor partition are found.
    static func find(in folders: [String]) -> CelebALabels? {
        func first(_ stem: String) -> String? {
            for folder in folders {
                for part in ["", "Anno/", "Eval/", "Identity/"] {
                    for suffix in ["txt", "csv"] {
                        let path = "\(folder)/\(part)\(stem).\(suffix)"
                        if FileManager.default.fileExists(atPath: path) { return path }
                    }
                }
            }
            return nil
        }
        let found = CelebALabels(
            attributes: first("list_attr_celeba"),
            partition: first("list_eval_partition"),
            identity: first("identity_CelebA"),
            landmarks: first("list_landmarks_align_celeba"))
        // Identity and landmark files alone do not identify CelebA.
        return found.attributes == nil && found.partition == nil ? nil : found
    }

    /// Reads the tables and matches their rows with the pictures.
    ///
    /// - Throws: `FileError` if a file cannot be read; `DataError` if the attribute file has no column names.
    func read(for names: [String]) throws -> (labels: Labels, issues: [LabelIssue]) {
        var labels = Labels(count: names.count)
        var issues: [LabelIssue] = []
        let keys = names.map { LabelTable.key($0) }

        func table(_ path: String?, width: Int?) throws -> LabelTable? {
            guard let path else { return nil }
            let file = try MappedFile(path: path)
            let bytes = try file.bytes(0..<file.count)
            return LabelTable(bytes, file: (path as NSString).lastPathComponent, width: width)
        }
        func fill<T>(_ table: LabelTable, unknown: T, _ convert: (Int32) -> T?) -> [T] {
            let (values, found) = table.matched(keys, names: names, unknown: unknown, convert)
            issues += table.issues + found
            return values
        }

        if let table = try table(attributes, width: nil), !table.columns.isEmpty {
            labels.attributeNames = table.columns
            labels.attributes = fill(table, unknown: 0) { $0 == 1 ? 1 : ($0 == -1 || $0 == 0 ? -1 : nil) }
        } else if let attributes {
            throw DataError(
                "\(attributes): the line with the attribute names is missing; CelebA's file has it after "
                    + "the number of rows: download the file again or remove it")
        }
        if let table = try table(partition, width: 1) {
            labels.splits = fill(table, unknown: DataSplit.unknownCode) {
                (0...2).contains($0) ? UInt8($0) : nil
            }
        }
        if let table = try table(identity, width: 1) {
            labels.identities = fill(table, unknown: -1) { $0 >= 0 ? $0 : nil }
        }
        if let table = try table(landmarks, width: Labels.landmarkWidth) {
            labels.landmarks = fill(table, unknown: .nan) { Float($0) }
        }
        return (labels, issues)
    }
}

extension LabelTable {
    /// Returns the values of the pictures' rows, [keys.count, width], and the mismatches between rows and pictures.
    func matched<T>(
        _ keys: [String], names: [String], unknown: T, _ convert: (Int32) -> T?
    ) -> (values: [T], issues: [LabelIssue]) {
        var matched: [T] = []
        matched.reserveCapacity(keys.count * width)
        var issues: [LabelIssue] = []
        var unused = rows
        for (key, name) in zip(keys, names) {
            guard let row = rows[key] else {
                matched += repeatElement(unknown, count: width)
                issues.append(LabelIssue(kind: .missingRow, file: file, subject: name, detail: ""))
                continue
            }
            unused[key] = nil
            for value in values[(row * width)..<((row + 1) * width)] {
                if let converted = convert(value) {
                    matched.append(converted)
                } else {
                    matched.append(unknown)
                    issues.append(
                        LabelIssue(
                            kind: .malformedRow, file: file, subject: name,
                            detail: "\(value) is not a possible value"))
                }
            }
        }
        for (key, row) in unused.sorted(by: { $0.value < $1.value }) {
            issues.append(
                LabelIssue(kind: .missingPicture, file: file, subject: key, detail: "row \(row + 1)"))
        }
        return (matched, issues)
    }
}
