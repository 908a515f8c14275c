/// Visitor that collects the reference table: all fields of a group, including all variants.
struct ReferenceVisitor: FieldVisitor {
    private(set) var fields: [SettingsDocument.Field] = []
    /// Names and key of the choice that selects the variant.
    private var kinds: [String] = []
    private var kindKey = "kind"
    private let forced: String?
    private let prefix: String

    private init(prefix: String, forced: String?) {
        self.prefix = prefix
        self.forced = forced
    }

    /// Fields of a group and its nested groups.
    static func fields<G: SettingsGroup>(of group: G, prefix: String = "") throws -> [SettingsDocument.Field]
    {
        var group = group
        var base = ReferenceVisitor(prefix: prefix, forced: nil)
        try group.fields(&base)
        guard base.kinds.count > 1 else { return base.fields }
        let kindKey = prefix + base.kindKey
        let usual = base.fields.first { $0.key == kindKey }
        var variants: [(kind: String, fields: [SettingsDocument.Field])] = []
        for kind in base.kinds {
            var variant = G()
            var visitor = ReferenceVisitor(prefix: prefix, forced: kind)
            try variant.fields(&visitor)
            // The row of the kind shows the default value in every variant.
            variants.append((kind, visitor.fields.map { $0.key == kindKey ? usual ?? $0 : $0 }))
        }
        return merged(variants, key: base.kindKey)
    }

    /// Fields of all variants, in order of first occurrence. A field that some kinds lack lists the kinds that have it.
    private static func merged(
        _ variants: [(kind: String, fields: [SettingsDocument.Field])], key: String
    ) -> [SettingsDocument.Field] {
        var order: [SettingsDocument.Field] = []
        var owners: [[String]] = []
        for (kind, fields) in variants {
            for field in fields {
                if let index = order.firstIndex(of: field) {
                    owners[index].append(kind)
                } else {
                    order.append(field)
                    owners.append([kind])
                }
            }
        }
        return zip(order, owners).map { field, kinds in
            var field = field
            if kinds.count < variants.count {
                if key == "kind" { field.kinds = kinds } else { field.systems = kinds }
            }
            return field
        }
    }

    private mutating func put(
        _ key: String, _ type: String, _ value: String, _ range: String?, _ help: String
    ) {
        fields.append(.init(key: prefix + key, type: type, defaultValue: value, range: range, help: help))
    }

    mutating func number(
        _ key: String, _ value: inout Double, in range: ClosedRange<Double>, _ help: String
    ) throws { put(key, "number", ScalarText.text(value), ScalarText.range(range), help) }

    mutating func integer(
        _ key: String, _ value: inout Int, in range: ClosedRange<Int>, _ help: String
    ) throws { put(key, "whole number", String(value), ScalarText.range(range), help) }

    mutating func flag(_ key: String, _ value: inout Bool, _ help: String) throws {
        put(key, "flag", String(value), "true, false", help)
    }

    mutating func text(_ key: String, _ value: inout String, _ help: String) throws {
        put(key, "text", ScalarText.yaml(value), nil, help)
    }

    mutating func texts(_ key: String, _ value: inout [String], _ help: String) throws {
        put(key, "texts", "[\(value.map(ScalarText.yaml).joined(separator: ", "))]", nil, help)
    }

    mutating func numbers(
        _ key: String, _ value: inout [Double], in range: ClosedRange<Double>, _ help: String
    ) throws {
        let text = "[\(value.map(ScalarText.text).joined(separator: ", "))]"
        put(key, "numbers", text, ScalarText.range(range), help)
    }

    mutating func integers(
        _ key: String, _ value: inout [Int], in range: ClosedRange<Int>, _ help: String
    ) throws {
        let text = "[\(value.map(String.init).joined(separator: ", "))]"
        put(key, "whole numbers", text, ScalarText.range(range), help)
    }

    mutating func scheduled(
        _ key: String, _ value: inout Scheduled<Double>, in range: ClosedRange<Double>, _ help: String
    ) throws {
        put(key, "number or schedule", ScalarText.text(value.from), ScalarText.range(range), help)
    }

    mutating func choice(_ key: String, _ value: inout String, of names: [String], _ help: String) throws {
        if variantKeys.contains(key) {
            (kinds, kindKey) = (names, key)
            if let forced { value = forced }
        }
        put(key, "choice", value, names.joined(separator: ", "), help)
    }

    mutating func group<G: SettingsGroup>(_ key: String, _ value: inout G, _ help: String) throws {
        fields += try Self.fields(of: value, prefix: prefix + key + ".")
    }

    mutating func groups<G: SettingsGroup>(_ key: String, _ value: inout [G], _ help: String) throws {
        put(key, "list of groups", value.isEmpty ? "[]" : "\(value.count) items", nil, help)
        fields += try Self.fields(of: G(), prefix: prefix + key + ".0.")
    }

    mutating func check(_ ok: Bool, _ key: String, _ expected: String) throws {}
}
