import Foundation

/// Reader of the `dataset.json` of NVlabs' tools: `{"labels": [["00000/img00000000.png", 6], …]}`.
///
/// A label is a class number or a list of numbers. `"labels": null` means that there are no labels.
struct DatasetJSON {
    static let fileName = "dataset.json"

    /// Reads the file and matches its entries with the pictures, whose names are relative to the folder of the file.
    ///
    /// - Throws: `DataError` if the file is not JSON or has another structure.
    static func read(_ bytes: [UInt8], path: String, names: [String]) throws -> (
        labels: Labels, issues: [LabelIssue]
    ) {
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: Data(bytes))
        } catch {
            throw DataError("\(path): the file is not JSON: \(error.localizedDescription)")
        }
        guard let top = object as? [String: Any], let listed = top["labels"] else {
            throw DataError(
                "\(path): expected an object with the key \"labels\", as written by NVlabs' dataset_tool.py")
        }
        var labels = Labels(count: names.count)
        if listed is NSNull { return (labels, []) }
        guard let rows = listed as? [Any] else {
            throw DataError("\(path): \"labels\" must be a list of [name, label] pairs or null")
        }

        var issues: [LabelIssue] = []
        func issue(_ kind: LabelIssue.Kind, _ subject: String, _ detail: String) {
            issues.append(LabelIssue(kind: kind, file: fileName, subject: subject, detail: detail))
        }
        var table: [String: [Double]] = [:]
        var isClass: Bool?
        var width: Int?
        for (number, row) in rows.enumerated() {
            guard let pair = row as? [Any], pair.count == 2, let name = pair[0] as? String else {
                issue(.malformedRow, "entry \(number)", "expected [name, label]")
                continue
            }
            let values = (pair[1] as? [NSNumber])?.map(\.doubleValue)
            let value = (pair[1] as? NSNumber)?.doubleValue
            guard let label = values ?? value.map({ [$0] }), !label.isEmpty,
                isClass == nil || isClass == (values == nil), width == nil || width == label.count
            else {
                issue(.malformedRow, name, "the label differs in kind or length from earlier labels")
                continue
            }
            isClass = values == nil
            width = label.count
            if table.updateValue(label, forKey: name) != nil {
                issue(.duplicateRow, name, "the last one is used")
            }
        }

        guard let isClass, let width else { return (labels, issues) }
        if !isClass { labels.vectorWidth = width }
        for name in names {
            let label = table.removeValue(forKey: name)
            if label == nil { issue(.missingRow, name, "") }
            if isClass {
                labels.classes.append(label.flatMap { Int32(exactly: $0[0]) } ?? -1)
            } else {
                labels.vectors += label?.map { Float($0) } ?? Array(repeating: .nan, count: width)
            }
        }
        for name in table.keys.sorted() { issue(.missingPicture, name, "") }
        return (labels, issues)
    }
}

/// Persons from LFW's file names: one folder per person, `Aaron_Eckhart/Aaron_Eckhart_0001.jpg`.
enum LFWNames {
    /// The identities of the pictures; nil if fewer than 90 % of the names follow LFW's pattern.
    static func labels(for names: [String]) -> Labels? {
        let people = names.map { person($0) }
        let sorted = Set(people.compactMap { $0 }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let known = people.lazy.filter { $0 != nil }.count
        guard known > 0, known * 10 >= names.count * 9 else { return nil }
        var labels = Labels(count: names.count)
        let numbers = Dictionary(uniqueKeysWithValues: zip(sorted, Int32(0)...))
        labels.identityNames = sorted.map(String.init)
        labels.identities = people.map { $0.flatMap { numbers[$0] } ?? -1 }
        return labels
    }

    /// Returns `Name` for `…/Name/Name_0001.jpg`.
    private static func person(_ name: String) -> Substring? {
        let parts = name.split(separator: "/")
        guard parts.count >= 2 else { return nil }
        let folder = parts[parts.count - 2]
        let file = parts[parts.count - 1]
        guard file.hasPrefix(folder), let dot = file.lastIndex(of: ".") else { return nil }
        let number = file[..<dot].dropFirst(folder.count)
        guard number.first == "_", number.count == 5,
            number.dropFirst().allSatisfy({ ("0"..."9").contains($0) })
        else { return nil }
        return folder
    }
}
