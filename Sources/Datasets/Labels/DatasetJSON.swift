import Files
import Foundation

/// Reader of the `dataset.json` of NVlabs' tools: `{"labels": [["00000/img00000000.png", 6], …]}`.
///
/// A label is a class number or a list of numbers. `"labels": null` means that there are no labels. Names are relative
/// to the folder of the file. Backslashes are read as `/`. A name that is not found is matched by its last parts, so
/// that absolute paths of another machine are found. Several rows that match one picture in this way are not used.
struct DatasetJSON {
    static let fileName = "dataset.json"

    /// Labels by the name of the picture.
    private var table: [FileName: [Double]] = [:]
    /// Names in the order of the files, with the folders of their files.
    private var order: [(name: String, folder: String)] = []
    private var isClass: Bool?
    private var width: Int?
    private var issues: [LabelIssue] = []

    /// Reads a file.
    /// - Parameters:
    ///   - bytes: the content.
    ///   - path: path for messages.
    ///   - folder: folder of the file relative to the pictures, with a slash at its end; empty for none.
    /// - Throws: `DataError` if the file is not JSON or has another structure.
    mutating func read(_ bytes: [UInt8], path: String, folder: String) throws {
        let object: Any
        do {
            let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
            object = try JSONSerialization.jsonObject(
                with: Data(isMarked ? Array(bytes.dropFirst(3)) : bytes))
        } catch {
            throw DataError("\(path): the file is not JSON: \(error.localizedDescription)")
        }
        guard let top = object as? [String: Any], let listed = top["labels"] else {
            throw DataError(
                "\(path): expected an object with the key \"labels\", as written by NVlabs' dataset_tool.py")
        }
        if listed is NSNull { return }
        guard let rows = listed as? [Any] else {
            throw DataError("\(path): \"labels\" must be a list of [name, label] pairs or null")
        }
        for (number, row) in rows.enumerated() { add(row, number: number, folder: folder) }
    }

    private mutating func issue(_ kind: LabelIssue.Kind, _ subject: String, _ detail: String) {
        issues.append(LabelIssue(kind: kind, file: Self.fileName, subject: subject, detail: detail))
    }

    private mutating func add(_ row: Any, number: Int, folder: String) {
        guard let pair = row as? [Any], pair.count == 2, let listed = pair[0] as? String else {
            return issue(
                .malformedRow, "entry \(number)", "expected [name, label], got '\(Self.excerpt(row))'")
        }
        let name = LabelTable.path(listed)
        let values = (pair[1] as? [NSNumber])?.map(\.doubleValue)
        let value = (pair[1] as? NSNumber)?.doubleValue
        func malformed(_ reason: String) {
            issue(.malformedRow, name, "entry \(number): \(reason): '\(Self.excerpt(pair[1]))'")
        }
        guard let label = values ?? value.map({ [$0] }), !label.isEmpty else {
            return malformed("expected a class number or a list of numbers")
        }
        guard isClass == nil || isClass == (values == nil), width == nil || width == label.count else {
            return malformed("the label differs in kind or length from earlier labels")
        }
        guard label.allSatisfy({ Float($0).isFinite }) else { return malformed("the value is too large") }
        if values == nil, Int32(exactly: label[0]).map({ $0 < -1 }) ?? true {
            return malformed("the class is not an integer of 0 or more")
        }
        isClass = values == nil
        width = label.count
        let key = folder + name
        if table.updateValue(label, forKey: FileName(key)) != nil {
            issue(.duplicateRow, name, "the last one is used")
        } else {
            order.append((name, folder))
        }
    }

    private static func excerpt(_ value: Any) -> String {
        let text = value is NSNull ? "null" : "\(value)"
        return PictureNames.oneLine(String(text.prefix(60))) + (text.count > 60 ? "…" : "")
    }

    /// Matches the labels with the pictures.
    /// - Returns: all mismatches.
    func match(_ names: [String], into labels: inout Labels) -> [LabelIssue] {
        guard let isClass, let width else { return issues }
        var issues = issues
        var found: [Int: [Double]] = [:]
        var unmatched = table
        for (index, name) in names.enumerated() {
            if let label = unmatched.removeValue(forKey: FileName(name)) { found[index] = label }
        }
        if !unmatched.isEmpty, found.count < names.count {
            let rows = order.filter { unmatched[FileName($0.folder + $0.name)] != nil }
            // A picture that several rows describe gets no label.
            for (index, claims) in Self.claims(of: rows, on: names.indices.filter { found[$0] == nil }, names)
            where claims.count == 1 {
                found[index] = unmatched.removeValue(
                    forKey: FileName(rows[claims[0]].folder + rows[claims[0]].name))
            }
        }
        if !isClass { labels.vectorWidth = width }
        for (index, name) in names.enumerated() {
            let label = found[index]
            if label == nil {
                issues.append(LabelIssue(kind: .missingRow, file: Self.fileName, subject: name, detail: ""))
            }
            if isClass {
                labels.classes.append(label.flatMap { Int32(exactly: $0[0]) } ?? -1)
            } else {
                labels.vectors += label?.map { Float($0) } ?? Array(repeating: .nan, count: width)
            }
        }
        for row in order where unmatched[FileName(row.folder + row.name)] != nil {
            issues.append(
                LabelIssue(kind: .missingPicture, file: Self.fileName, subject: row.name, detail: ""))
        }
        return issues
    }

    /// The rows that describe each picture by an end of the row's path or of the picture's path.
    private static func claims(
        of rows: [(name: String, folder: String)], on pictures: [Int], _ names: [String]
    ) -> [Int: [Int]] {
        let paths = Dictionary(grouping: pictures) { names[$0] }
        let wanted = Set(rows.map { FileName($0.name) })
        let lengths = Set(wanted.map(\.bytes.count))
        var ends: [FileName: [Int]] = [:]
        for index in pictures {
            let name = Array(names[index].utf8)
            for place in name.indices where name[place] == UInt8(ascii: "/") {
                guard lengths.contains(name.count - place - 1) else { continue }
                let end = FileName(String(decoding: name[(place + 1)...], as: UTF8.self))
                if wanted.contains(end) { ends[end, default: []].append(index) }
            }
        }
        var claims: [Int: [Int]] = [:]
        for (number, row) in rows.enumerated() {
            let index = picture(withEndOf: row.name, in: row.folder, paths) ?? ends[FileName(row.name)]?.only
            if let index { claims[index, default: []].append(number) }
        }
        return claims
    }

    /// Maximum length of a path in bytes that is matched by its last parts.
    private static let pathLimit = 4096

    /// The picture whose name is the longest end of a path, in any Unicode normal form; nil if there is none or several.
    private static func picture(
        withEndOf path: String, in folder: String, _ pictures: [String: [Int]]
    ) -> Int? {
        guard path.utf8.count <= pathLimit else { return nil }
        var end = path[...]
        while true {
            if let found = pictures[folder + end] { return found.only }
            guard let slash = end.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
            end = end[end.utf8.index(after: slash)...]
        }
    }
}

extension [Int] {
    /// The element of an array that has only one.
    fileprivate var only: Int? { count == 1 ? self[0] : nil }
}
