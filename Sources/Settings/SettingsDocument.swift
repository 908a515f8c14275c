import Foundation

/// Reading and writing of settings as YAML, comparison, and the reference table.
public enum SettingsDocument {
    /// Reads settings from YAML text. Unknown keys are errors.
    ///
    /// A document may contain named changes to itself: `presets: {small: {batchSize: 16}}`.
    /// - Parameters:
    ///   - type: type of the settings.
    ///   - yaml: text of the document. Keys that it omits keep the defaults of `G`.
    ///   - path: path of the document in messages.
    ///   - preset: name of the preset to apply; nil for none.
    ///   - overrides: arguments of `--set`, such as `a.b.c=value`, applied in order after the preset.
    /// - Throws: `SettingsError` with all problems: invalid YAML, unknown or repeated keys, wrong types, values out of
    ///   range, unknown presets.
    public static func decode<G: SettingsGroup>(
        _ type: G.Type = G.self, yaml: String, path: String, preset: String? = nil, overrides: [String] = []
    ) throws -> G {
        let report = DecodingVisitor.Report(path: path, renamed: G.renamedKeys) {
            (try? reference(G.self).map(\.key)) ?? []
        }
        var root = try YamlReader.read(yaml, path: path)
        let presets = try Presets(takenFrom: &root, path: path)
        if let preset { try presets.apply(preset, to: &root) }
        for argument in overrides {
            do {
                let override = try Override(argument, path: path)
                try override.apply(to: &root)
                override.dropOtherKinds(of: &root) { (try? reference(G.self)) ?? [] }
            } catch let error as SettingsError {
                report.problems += error.problems
            }
        }
        var value = G()
        try DecodingVisitor.read(&value, from: root, keys: [], report: report)
        guard report.problems.isEmpty else { throw SettingsError(report.problems) }
        return value
    }

    /// Reads settings from the UTF-8 bytes of a YAML document; parameters as for text.
    /// - Throws: `SettingsError` with all problems, also if the bytes are not UTF-8 or more than 256 KiB.
    public static func decode<G: SettingsGroup>(
        _: G.Type = G.self, bytes: [UInt8], path: String, preset: String? = nil, overrides: [String] = []
    ) throws -> G {
        guard bytes.count <= YamlReader.maximumBytes else { throw YamlReader.tooLong(path) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let line = firstBadLine(bytes)
            let message = "not UTF-8; save the file as UTF-8 text"
            throw SettingsError([.init(path: path, line: line, column: 1, message: message)])
        }
        return try decode(G.self, yaml: text, path: path, preset: preset, overrides: overrides)
    }

    /// Reads settings from a YAML file; other parameters as for text.
    /// - Throws: `SettingsError` with all problems, also if the file cannot be read.
    public static func decode<G: SettingsGroup>(
        _: G.Type = G.self, file path: String, preset: String? = nil, overrides: [String] = []
    ) throws -> G {
        let bytes: [UInt8]
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            // One byte more than the limit, so that the reader reports a file that is too long.
            bytes = Array(try handle.read(upToCount: YamlReader.maximumBytes + 1) ?? Data())
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            let message = exists ? "cannot be read; check its permissions" : "no such file"
            throw SettingsError([.init(path: path, message: message)])
        }
        return try decode(G.self, bytes: bytes, path: path, preset: preset, overrides: overrides)
    }

    /// Names of the presets in a document, in its order.
    /// - Throws: `SettingsError` if the text is not valid YAML or the presets are not named groups.
    public static func presets(yaml: String, path: String) throws -> [String] {
        var root = try YamlReader.read(yaml, path: path)
        return try Presets(takenFrom: &root, path: path).names
    }

    private static func firstBadLine(_ bytes: [UInt8]) -> Int {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        return (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
    }

    /// Canonical YAML with every field, in order. Decoding it returns an equal value.
    public static func encode<G: SettingsGroup>(_ group: G) -> String {
        let lines = visited(group).lines
        return lines.isEmpty ? "{}\n" : lines.joined(separator: "\n") + "\n"
    }

    /// Dotted key and YAML value of every field, in order.
    public static func values<G: SettingsGroup>(of group: G) -> [(key: String, value: String)] {
        visited(group).values
    }

    private static func visited<G: SettingsGroup>(_ group: G) -> EncodingVisitor {
        var group = group
        var visitor = EncodingVisitor()
        do {
            try group.fields(&visitor)
        } catch {
            preconditionFailure("\(G.self).fields threw while it was written: \(error)")
        }
        return visitor
    }

    /// A field with different values in two groups of settings.
    public struct Change: Sendable, Equatable, CustomStringConvertible {
        /// Dotted key of the field.
        public let key: String
        /// Old value as YAML; nil if the old variant lacks the field.
        public let from: String?
        /// New value as YAML; nil if the new variant lacks the field.
        public let to: String?

        /// Text of the change, such as `training.batch: 64 → 128`.
        public var description: String { "\(key): \(from ?? "not set") → \(to ?? "not set")" }
    }

    /// Differences between two groups of settings, in the order of the fields.
    public static func changes<G: SettingsGroup>(from old: G, to new: G) -> [Change] {
        let before = values(of: old)
        let after = values(of: new)
        let oldValues = Dictionary(before.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        let newValues = Dictionary(after.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        let gone = before.map(\.key).filter { newValues[$0] == nil }
        return (after.map(\.key) + gone).compactMap { key in
            let (from, to) = (oldValues[key], newValues[key])
            return from == to ? nil : Change(key: key, from: from, to: to)
        }
    }

    /// A row of the reference table.
    public struct Field: Sendable, Equatable {
        /// Dotted key; `0` stands for the items of a list.
        public let key: String
        /// Type of the value, such as "number", "flag" or "choice".
        public let type: String
        /// Default value as YAML.
        public let defaultValue: String
        /// Range of a number, or the names of a choice; nil if unlimited.
        public let range: String?
        /// Effect and unit of the setting.
        public let help: String
        /// Kinds of the group that have this field; nil if all have it.
        public internal(set) var kinds: [String]?
        /// Systems of the document that have this field; nil if all have it.
        public internal(set) var systems: [String]?
    }

    /// Reference table of a group: all fields in order, including all variants.
    /// - Throws: errors that `fields` of a group throws.
    public static func reference<G: SettingsGroup>(_: G.Type) throws -> [Field] {
        try ReferenceVisitor.fields(of: G())
    }
}
