/// Named groups of changes that a document keeps under `presets`.
struct Presets {
    private let entries: [SettingsNode.Entry]
    private let path: String

    private static let key = "presets"

    /// Takes them out of a document.
    /// - Throws: `SettingsError` when they are no groups with names.
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

    /// Makes the changes of one.
    /// - Throws: `SettingsError` when there is none of that name.
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
