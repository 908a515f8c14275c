import Foundation

/// Settings on paper: YAML in, YAML out, and a table of what can be set.
public enum SettingsDocument {
    /// Reads a document strictly.
    ///
    /// Under `presets`, a document may name groups of changes to itself: `presets: {small: {batchSize: 16}}`.
    /// - Parameters:
    ///   - preset: the name of the one that is wanted.
    ///   - yaml: the text; keys that it lacks keep the defaults of `G`.
    ///   - path: what messages call the document.
    ///   - overrides: `a.b.c=value` as given to `--set`; later ones win.
    /// - Throws: `SettingsError` with every problem: unknown or repeated keys, wrong types, values out of range.
    public static func decode<G: SettingsGroup>(
        _: G.Type = G.self, yaml: String, path: String, preset: String? = nil, overrides: [String] = []
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

    /// Reads a document from bytes, which must be UTF-8.
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

    /// Reads a file.
    public static func decode<G: SettingsGroup>(
        _: G.Type = G.self, file path: String, preset: String? = nil, overrides: [String] = []
    ) throws -> G {
        let bytes: [UInt8]
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            // One byte more than allowed: the reader then says that it is too long.
            bytes = Array(try handle.read(upToCount: YamlReader.maximumBytes + 1) ?? Data())
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            let message = exists ? "cannot be read; check its permissions" : "no such file"
            throw SettingsError([.init(path: path, message: message)])
        }
        return try decode(G.self, bytes: bytes, path: path, preset: preset, overrides: overrides)
    }

    /// Names of a document's presets, in its order.
    /// - Throws: `SettingsError` when it is no YAML.
    public static func presets(yaml: String, path: String) throws -> [String] {
        var root = try YamlReader.read(yaml, path: path)
        return try Presets(takenFrom: &root, path: path).names
    }

    private static func firstBadLine(_ bytes: [UInt8]) -> Int {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        return (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
    }

    /// Canonical YAML: every field, in order; reading it gives the same value.
    public static func encode<G: SettingsGroup>(_ group: G) -> String {
        let lines = visited(group).lines
        return lines.isEmpty ? "{}\n" : lines.joined(separator: "\n") + "\n"
    }

    /// Every field's dotted key and its value as YAML, in order.
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

    /// A field whose value differs between two values of a group.
    public struct Change: Sendable, Equatable, CustomStringConvertible {
        public let key: String
        /// The values as YAML; nil where a variant lacks the field.
        public let from: String?
        public let to: String?

        /// `training.batch: 64 → 128`.
        public var description: String { "\(key): \(from ?? "not set") → \(to ?? "not set")" }
    }

    /// What differs, in the order of the fields: for echoing overrides and for comparing runs.
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
        /// The dotted key; items of lists are named `0`.
        public let key: String
        public let type: String
        public let defaultValue: String
        /// Bounds of a number, or the words of a choice.
        public let range: String?
        public let help: String
        /// The kinds of its group that have this field; nil when all have it.
        public internal(set) var kinds: [String]?
        /// The systems of the document that have this field; nil when all have it.
        public internal(set) var systems: [String]?
    }

    /// What can be set, in the order of the fields, with all variants.
    public static func reference<G: SettingsGroup>(_: G.Type) throws -> [Field] {
        try ReferenceVisitor.fields(of: G())
    }
}
