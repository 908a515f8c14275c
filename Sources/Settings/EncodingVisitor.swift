/// Collects the lines of a group's canonical YAML and its dotted keys with their values.
struct EncodingVisitor: FieldVisitor {
    private(set) var lines: [String] = []
    private(set) var values: [(key: String, value: String)] = []
    private let indent: String
    private let prefix: String

    init(indent: String = "", prefix: String = "") {
        self.indent = indent
        self.prefix = prefix
    }

    private mutating func put(_ key: String, _ value: String) {
        lines.append("\(indent)\(key): \(value)")
        values.append((prefix + key, value))
    }

    mutating func number(
        _ key: String, _ value: inout Double, in range: ClosedRange<Double>, _ help: String
    ) throws { put(key, ScalarText.text(value)) }

    mutating func integer(
        _ key: String, _ value: inout Int, in range: ClosedRange<Int>, _ help: String
    ) throws { put(key, String(value)) }

    mutating func flag(_ key: String, _ value: inout Bool, _ help: String) throws { put(key, String(value)) }

    mutating func text(_ key: String, _ value: inout String, _ help: String) throws {
        put(key, ScalarText.yaml(value))
    }

    mutating func texts(_ key: String, _ value: inout [String], _ help: String) throws {
        put(key, flow(value.map(ScalarText.yaml)))
    }

    mutating func numbers(
        _ key: String, _ value: inout [Double], in range: ClosedRange<Double>, _ help: String
    ) throws { put(key, flow(value.map(ScalarText.text))) }

    mutating func integers(
        _ key: String, _ value: inout [Int], in range: ClosedRange<Int>, _ help: String
    ) throws { put(key, flow(value.map(String.init))) }

    private func flow(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }

    mutating func scheduled(
        _ key: String, _ value: inout Scheduled<Double>, in range: ClosedRange<Double>, _ help: String
    ) throws {
        guard !value.isConstant else { return put(key, ScalarText.text(value.from)) }
        var fields = ScheduleFields(value, in: range)
        try group(key, &fields, help)
    }

    mutating func choice(_ key: String, _ value: inout String, of names: [String], _ help: String) throws {
        put(key, ScalarText.yaml(value))
    }

    mutating func group<G: SettingsGroup>(_ key: String, _ value: inout G, _ help: String) throws {
        var inner = EncodingVisitor(indent: indent + "  ", prefix: prefix + key + ".")
        try value.fields(&inner)
        lines += inner.lines.isEmpty ? ["\(indent)\(key): {}"] : ["\(indent)\(key):"] + inner.lines
        values += inner.values
    }

    mutating func groups<G: SettingsGroup>(_ key: String, _ value: inout [G], _ help: String) throws {
        guard !value.isEmpty else { return put(key, "[]") }
        lines.append("\(indent)\(key):")
        for index in value.indices {
            var inner = EncodingVisitor(indent: indent + "    ", prefix: "\(prefix)\(key).\(index).")
            try value[index].fields(&inner)
            let dash = "\(indent)  - "
            let first = inner.lines.first.map { dash + $0.dropFirst(dash.count) }
            lines += [first ?? dash + "{}"] + inner.lines.dropFirst()
            values += inner.values
        }
    }

    mutating func check(_ ok: Bool, _ key: String, _ expected: String) throws {}
}
