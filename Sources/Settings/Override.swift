/// One `--set a.b.c=value`, merged into the parsed document before fields are read.
struct Override {
    let argument: String
    let keys: [String]
    let value: SettingsNode
    private let path: String

    /// Parses the argument of `--set`.
    /// - Throws: `SettingsError` if it is not `key=value` or the value is not YAML.
    init(_ argument: String, path: String) throws {
        func failure(_ message: String) -> SettingsError {
            Self.failure(message, argument: argument, path: path)
        }
        guard let equals = argument.firstIndex(of: "=") else {
            throw failure("expected `key=value`, such as `training.batch=64`")
        }
        let name = argument[..<equals].trimmingSpaces()
        let raw = String(argument[argument.index(after: equals)...])
        keys = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !keys.contains(where: \.isEmpty), keys.count <= YamlReader.maximumDepth else {
            throw failure("expected a dotted key before `=`, such as `training.batch=64`")
        }
        self.argument = argument
        self.path = path
        var node: SettingsNode
        do {
            node = try YamlReader.read(raw, path: path)
        } catch let error as SettingsError {
            // A text such as `a: b: c` is not YAML but a valid value of a text field.
            let isOneLine =
                !raw.contains(where: \.isNewline) && raw.utf8.count <= YamlReader.maximumScalarBytes
            guard isOneLine, let first = raw.first, !"[{&*!\"'".contains(first) else {
                throw failure(error.problems[0].message.replacing("; it began at line 1", with: ""))
            }
            node = SettingsNode(kind: .scalar(raw, quoted: false), place: .override(argument))
        }
        node = node.placed(.override(argument))
        if case .scalar(_, quoted: true) = node.kind {} else { node.raw = raw }
        value = node
    }

    private static func failure(_ message: String, argument: String, path: String) -> SettingsError {
        SettingsError([.init(path: path, override: Quoted.argument(argument), message: message)])
    }

    /// Sets the value in a document.
    ///
    /// - Throws: `SettingsError` if the key names a list item that does not exist.
    func apply(to root: inout SettingsNode) throws {
        try apply(to: &root, keys[...])
    }

    /// Removes the fields of other kinds from the document if this override sets a kind.
    ///
    /// The file contains them for its own kind, so they are not errors.
    /// - Parameter fields: reference of the whole document; called only if the override sets a kind.
    func dropOtherKinds(of root: inout SettingsNode, fields: () -> [SettingsDocument.Field]) {
        guard let last = keys.last, variantKeys.contains(last), case .scalar(let kind, _) = value.kind else {
            return
        }
        let group = keys.dropLast()
        let prefix = group.isEmpty ? "" : group.joined(separator: ".") + "."
        let others = fields().filter { $0.key.hasPrefix(prefix) && !($0.kinds?.contains(kind) ?? true) }
        Self.drop(Set(others.map { String($0.key.dropFirst(prefix.count)) }), from: &root, group)
    }

    /// Removes the keys that the file sets, but not those that an override sets.
    private static func drop(_ names: Set<String>, from node: inout SettingsNode, _ group: ArraySlice<String>)
    {
        guard case .map(var entries) = node.kind else { return }
        if let key = group.first {
            guard let index = entries.firstIndex(where: { $0.key == key }) else { return }
            drop(names, from: &entries[index].value, group.dropFirst())
        } else {
            entries.removeAll { entry in
                if case .file = entry.value.place { names.contains(entry.key) } else { false }
            }
        }
        node.kind = .map(entries)
    }

    private func apply(to node: inout SettingsNode, _ rest: ArraySlice<String>) throws {
        guard let key = rest.first else {
            node.merge(value)
            return
        }
        if case .null = node.kind { node = SettingsNode(kind: .map([]), place: node.place) }
        switch node.kind {
        case .map(var entries):
            if let index = entries.firstIndex(where: { $0.key == key }) {
                try apply(to: &entries[index].value, rest.dropFirst())
            } else {
                var child = SettingsNode(kind: .null, place: .override(argument))
                try apply(to: &child, rest.dropFirst())
                entries.append(.init(key: key, place: .override(argument), value: child))
            }
            node.kind = .map(entries)
        case .list(var items):
            guard let index = Int(key), items.indices.contains(index) else {
                let list = keys[..<rest.startIndex].joined(separator: ".")
                let message = "`\(list)` has no item `\(key)`; it has \(items.count), counted from 0"
                throw Self.failure(message, argument: argument, path: path)
            }
            try apply(to: &items[index], rest.dropFirst())
            node.kind = .list(items)
        case .scalar, .null:
            // A scalar field cannot contain a group. The decoder reports this with the text of the override.
            node = SettingsNode(kind: .map([]), place: .override(argument))
        }
    }

}

extension SettingsNode {
    /// Merges another node: a group changes the fields that it contains, any other node replaces the value.
    mutating func merge(_ new: SettingsNode) {
        guard case .map(var entries) = kind, case .map(let changes) = new.kind else {
            self = new
            return
        }
        for change in changes {
            if let index = entries.firstIndex(where: { $0.key == change.key }) {
                entries[index].value.merge(change.value)
            } else {
                entries.append(change)
            }
        }
        kind = .map(entries)
    }

    /// Copy of the node with one place for all values.
    func placed(_ place: Place) -> SettingsNode {
        var node = self
        node.place = place
        switch kind {
        case .null, .scalar: break
        case .list(let items): node.kind = .list(items.map { $0.placed(place) })
        case .map(let entries):
            node.kind = .map(entries.map { .init(key: $0.key, place: place, value: $0.value.placed(place)) })
        }
        return node
    }
}

extension Substring {
    func trimmingSpaces() -> Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// Named groups of changes under the key `presets` of a document.
struct Presets {
    private let entries: [SettingsNode.Entry]
    private let path: String

    private static let key = "presets"

    /// Removes the presets from a document and keeps them.
    /// - Throws: `SettingsError` if the presets are not named groups.
    init(takenFrom root: inout SettingsNode, path: String) throws {
        self.path = path
        guard case .map(var all) = root.kind, let index = all.firstIndex(where: { $0.key == Self.key })
        else {
            entries = []
            return
        }
        let taken = all.remove(at: index)
        root.kind = .map(all)
        guard case .map(let found) = taken.value.kind else {
            throw Self.error(path, taken.place, "expected names of presets, each with its settings")
        }
        for preset in found {
            guard case .map = preset.value.kind else {
                throw Self.error(
                    path, preset.place, "expected the settings that the preset `\(preset.key)` changes")
            }
        }
        entries = found
    }

    var names: [String] { entries.map(\.key) }

    /// Applies the preset with the given name to a document.
    /// - Throws: `SettingsError`, which lists the presets, if there is no preset with that name.
    func apply(_ name: String, to root: inout SettingsNode) throws {
        guard let preset = entries.first(where: { $0.key == name }) else {
            let near = Suggestion.closest(to: name, in: names).map { "; did you mean `\($0)`?" }
            let all = names.isEmpty ? "; the file has none" : "; there are: \(names.joined(separator: ", "))"
            throw SettingsError([.init(path: path, message: "no preset `\(name)`\(near ?? all)")])
        }
        root.merge(preset.value)
    }

    private static func error(_ path: String, _ place: SettingsNode.Place, _ message: String)
        -> SettingsError
    {
        guard case .file(let line, let column) = place else {
            return SettingsError([.init(path: path, message: message)])
        }
        return SettingsError([.init(path: path, line: line, column: column, message: message)])
    }
}
