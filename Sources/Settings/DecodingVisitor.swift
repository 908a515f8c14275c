/// Visitor that reads a group from a node. It collects problems; a field with a problem keeps its value.
struct DecodingVisitor: FieldVisitor {
    /// Problems of one document, shared by the visitors of all its groups.
    final class Report {
        /// Path of the document in messages.
        let path: String
        /// All dotted keys of the document type, for suggestions.
        let allKeys: () -> [String]
        /// Keys of earlier versions and their replacements.
        let renamed: [String: String]
        var problems: [SettingsError.Problem] = []

        init(path: String, renamed: [String: String] = [:], allKeys: @escaping () -> [String]) {
            (self.path, self.renamed, self.allKeys) = (path, renamed, allKeys)
        }
    }

    private let report: Report
    private let keys: [String]
    private let place: SettingsNode.Place
    private let entries: [String: SettingsNode.Entry]
    private let order: [String]
    private var known: [String] = []
    private var variant: (key: String, name: String)?
    private var variantIsWrong = false
    private var problemsBefore: Int

    private init(
        _ entries: [SettingsNode.Entry], at place: SettingsNode.Place, keys: [String], report: Report
    ) {
        self.report = report
        self.keys = keys
        self.place = place
        self.entries = Dictionary(entries.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        order = entries.map(\.key)
        problemsBefore = report.problems.count
    }

    /// Reads one group and reports its unknown keys.
    static func read<G: SettingsGroup>(
        _ value: inout G, from node: SettingsNode, keys: [String], report: Report
    ) throws {
        let entries: [SettingsNode.Entry]
        switch node.kind {
        case .map(let found): entries = found
        // A group with all lines commented out.
        case .null: entries = []
        case .scalar, .list:
            let what =
                keys.isEmpty ? "expected settings such as `key: value`" : "expected a group of settings"
            report.add(node.place, keys, "\(what), received \(node.received)")
            return
        }
        var visitor = DecodingVisitor(entries, at: node.place, keys: keys, report: report)
        try value.fields(&visitor)
        visitor.refuseUnknownKeys()
    }

    private func refuseUnknownKeys() {
        guard !variantIsWrong else { return }
        let known = Set(known)
        for key in order where !known.contains(key) {
            guard let entry = entries[key] else { continue }
            report.add(entry.place, keys + [key], unknown(key))
        }
    }

    private func unknown(_ key: String) -> String {
        let group = keys.isEmpty ? "" : " of \(Quoted.short(keys.joined(separator: "."), mark: "`"))"
        if let current = report.renamed[(keys + [key]).joined(separator: ".")] {
            return "this setting is now called `\(current)`"
        }
        let variant = variant.map { " when `\($0.key)` is `\($0.name)`" } ?? ""
        let text = "not a setting\(group)\(variant)"
        if let near = Suggestion.closest(to: key, in: known) { return "\(text); did you mean `\(near)`?" }
        let last = key.split(separator: ".").last.map(String.init) ?? key
        let elsewhere = report.allKeys().filter { $0.split(separator: ".").last.map(String.init) == last }
        if let other = elsewhere.first(where: { $0 != (keys + [key]).joined(separator: ".") }) {
            return "\(text); did you mean `\(other)`?"
        }
        if known.isEmpty { return text }
        let listed = known.prefix(12).joined(separator: ", ") + (known.count > 12 ? ", …" : "")
        return "\(text); there are: \(listed)"
    }

    private mutating func node(_ key: String) -> SettingsNode? {
        precondition(!known.contains(key), "the setting \(key) is listed twice")
        known.append(key)
        return entries[key]?.value
    }

    private func add(_ node: SettingsNode, _ key: String, _ message: String) {
        report.add(node.place, keys + [key], message)
    }

    // MARK: Single values

    mutating func number(
        _ key: String, _ value: inout Double, in range: ClosedRange<Double>, _ help: String
    ) throws {
        guard let node = node(key) else { return }
        guard let read = number(node, key, in: range, expected: "a number") else { return }
        value = read
    }

    mutating func integer(
        _ key: String, _ value: inout Int, in range: ClosedRange<Int>, _ help: String
    ) throws {
        guard let node = node(key) else { return }
        guard let read = integer(node, key, in: range, expected: "a whole number") else { return }
        value = read
    }

    private func number(
        _ node: SettingsNode, _ key: String, in range: ClosedRange<Double>, expected: String
    ) -> Double? {
        let text = ScalarText.range(range)
        let wanted = "expected \(expected)" + (text.map { " \(bounds($0))" } ?? "")
        guard case .scalar(let scalar, quoted: false) = node.kind else {
            add(node, key, "\(wanted), received \(node.received)")
            return nil
        }
        if case .success(let value) = ScalarText.number(scalar), range.contains(value) { return value }
        add(node, key, "\(wanted), received \(node.received)")
        return nil
    }

    private func integer(
        _ node: SettingsNode, _ key: String, in range: ClosedRange<Int>, expected: String
    ) -> Int? {
        let text = ScalarText.range(range)
        let wanted = "expected \(expected)" + (text.map { " \(bounds($0))" } ?? "")
        guard case .scalar(let scalar, quoted: false) = node.kind else {
            add(node, key, "\(wanted), received \(node.received)")
            return nil
        }
        if case .success(let value) = ScalarText.integer(scalar), range.contains(value) { return value }
        add(node, key, "\(wanted), received \(node.received)")
        return nil
    }

    private func bounds(_ text: String) -> String { text.hasPrefix("at ") ? "of \(text)" : "in \(text)" }

    mutating func flag(_ key: String, _ value: inout Bool, _ help: String) throws {
        guard let node = node(key) else { return }
        if case .scalar(let text, quoted: false) = node.kind {
            if text == "true" || text == "false" {
                value = text == "true"
                return
            }
            let meant = [
                "yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false",
            ]
            let lower = text.lowercased()
            let near = ["true", "false"].contains(lower) ? lower : meant[lower]
            let hint = near.map { "; did you mean `\($0)`?" } ?? ""
            return add(node, key, "expected `true` or `false`, received \(node.received)\(hint)")
        }
        add(node, key, "expected `true` or `false`, received \(node.received)")
    }

    mutating func text(_ key: String, _ value: inout String, _ help: String) throws {
        guard let node = node(key) else { return }
        if let raw = node.raw {
            value = raw
        } else if case .scalar(let text, _) = node.kind {
            value = text
        } else {
            add(node, key, "expected a text, received \(node.received)")
        }
    }

    mutating func scheduled(
        _ key: String, _ value: inout Scheduled<Double>, in range: ClosedRange<Double>, _ help: String
    ) throws {
        if case .map? = entries[key]?.value.kind, let node = node(key) {
            var fields = ScheduleFields(value, in: range)
            try Self.read(&fields, from: node, keys: keys + [key], report: report)
            value = fields.value
        } else {
            var constant = value.from
            try number(key, &constant, in: range, help)
            value = Scheduled(constant)
        }
    }

    mutating func choice(_ key: String, _ value: inout String, of names: [String], _ help: String) throws {
        let isVariant = variantKeys.contains(key)
        defer { if isVariant { variant = (key, value) } }
        guard let node = node(key) else { return }
        if case .scalar(let text, _) = node.kind, names.contains(text) {
            value = text
            return
        }
        if isVariant { variantIsWrong = true }
        var message = "expected one of \(names.joined(separator: ", ")), received \(node.received)"
        if case .scalar(let text, _) = node.kind, let near = Suggestion.closest(to: text, in: names) {
            message += "; did you mean `\(near)`?"
        }
        add(node, key, message)
    }

    // MARK: Lists and groups

    private func list<T>(
        _ node: SettingsNode, _ key: String, _ expected: String, _ read: (SettingsNode, String) -> T?
    ) -> [T]? {
        guard case .list(let items) = node.kind else {
            add(node, key, "expected a list of \(expected) such as `[a, b]`, received \(node.received)")
            return nil
        }
        let values = items.enumerated().compactMap { read($1, "\(key).\($0)") }
        return values.count == items.count ? values : nil
    }

    mutating func texts(_ key: String, _ value: inout [String], _ help: String) throws {
        guard let node = node(key) else { return }
        let read = list(node, key, "texts") { item, key -> String? in
            if case .scalar(let text, _) = item.kind { return text }
            add(item, key, "expected a text, received \(item.received)")
            return nil
        }
        if let read { value = read }
    }

    mutating func numbers(
        _ key: String, _ value: inout [Double], in range: ClosedRange<Double>, _ help: String
    ) throws {
        guard let node = node(key) else { return }
        let read = list(node, key, "numbers") { number($0, $1, in: range, expected: "a number") }
        if let read { value = read }
    }

    mutating func integers(
        _ key: String, _ value: inout [Int], in range: ClosedRange<Int>, _ help: String
    ) throws {
        guard let node = node(key) else { return }
        let read = list(node, key, "whole numbers") { integer($0, $1, in: range, expected: "a whole number") }
        if let read { value = read }
    }

    mutating func group<G: SettingsGroup>(_ key: String, _ value: inout G, _ help: String) throws {
        guard let node = node(key) else { return }
        try Self.read(&value, from: node, keys: keys + [key], report: report)
    }

    mutating func groups<G: SettingsGroup>(_ key: String, _ value: inout [G], _ help: String) throws {
        guard let node = node(key) else { return }
        guard case .list(let items) = node.kind else {
            return add(node, key, "expected a list of groups, each behind `- `, received \(node.received)")
        }
        value = try items.enumerated().map { index, item in
            var group = G()
            try Self.read(&group, from: item, keys: keys + [key, String(index)], report: report)
            return group
        }
    }

    mutating func check(_ ok: Bool, _ key: String, _ expected: String) throws {
        // After a problem in a field, the group mixes read and default values, so the rule could fail wrongly.
        guard !ok, report.problems.count == problemsBefore else { return }
        let (place, node) = find(key)
        let received = node.map { ", received \($0.received)" } ?? ""
        report.add(place, keys + [key], "expected \(expected)\(received)")
        problemsBefore += 1
    }

    /// Node of a key, which can be that of a nested group such as `input.kind`; nil if the document omits it. The place is
    /// that of the node, or of the innermost group that the document has.
    private func find(_ key: String) -> (place: SettingsNode.Place, node: SettingsNode?) {
        var place = place
        var level = entries
        var node: SettingsNode?
        for part in key.split(separator: ".") {
            guard let next = level[String(part)]?.value else { return (place, nil) }
            (place, node) = (next.place, next)
            guard case .map(let inner) = next.kind else {
                level = [:]
                continue
            }
            level = Dictionary(inner.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        }
        return (place, node)
    }
}

extension DecodingVisitor.Report {
    /// Adds a problem at a place. The message starts with the dotted key.
    func add(_ place: SettingsNode.Place, _ keys: [String], _ message: String) {
        let key = keys.joined(separator: ".")
        let short = keys.map { Quoted.short($0, mark: "") }.joined(separator: ".")
        let text = keys.isEmpty ? message : "`\(short)`: \(message)"
        var problem = SettingsError.Problem(path: path, message: text)
        problem.key = keys.isEmpty ? nil : key
        switch place {
        case .file(let line, let column): (problem.line, problem.column) = (line, column)
        case .override(let argument):
            problem.override = Quoted.argument(argument)
        }
        problems.append(problem)
    }
}
