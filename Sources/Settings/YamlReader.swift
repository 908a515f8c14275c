import Yams

/// Parser from YAML text to `SettingsNode`, with limits on size, depth and number of nodes for untrusted documents.
struct YamlReader {
    static let maximumBytes = 256 * 1024
    static let maximumNodes = 20_000
    static let maximumDepth = 32
    static let maximumScalarBytes = 16 * 1024

    let path: String
    private var nodes = 0

    init(path: String) { self.path = path }

    /// Parses a document and returns its root; a null node for an empty document.
    static func read(_ yaml: String, path: String) throws -> SettingsNode {
        var reader = YamlReader(path: path)
        return try reader.read(yaml)
    }

    static func tooLong(_ path: String) -> SettingsError {
        let message = "longer than the \(maximumBytes / 1024) KiB that a settings document may have"
        return SettingsError([.init(path: path, message: message)])
    }

    private mutating func read(_ yaml: String) throws -> SettingsNode {
        guard yaml.utf8.count <= Self.maximumBytes else { throw Self.tooLong(path) }
        // Checked before parsing, because hashing a key of nested aliases takes exponential time.
        if let alias = YamlText.aliasLine(in: yaml) {
            throw failure(
                (alias, 1), "anchors and aliases (`&name`, `*name`) are not used here; write it out")
        }
        let root: Node?
        do {
            root = try Yams.Parser(yaml: yaml, resolver: .basic, constructor: .default, encoding: .utf8)
                .singleRoot()
        } catch let error as YamlError {
            throw translated(error, yaml: yaml)
        }
        guard let root else { return SettingsNode(kind: .null, place: .file(line: 1, column: 1)) }
        return try convert(root, depth: 0)
    }

    private mutating func convert(_ node: Node, depth: Int) throws -> SettingsNode {
        let mark = node.mark.map { ($0.line, $0.column) } ?? (1, 1)
        nodes += 1
        guard nodes <= Self.maximumNodes else {
            throw failure(mark, "a settings document has at most \(Self.maximumNodes) values")
        }
        guard depth <= Self.maximumDepth else {
            throw failure(mark, "groups are nested more than \(Self.maximumDepth) deep")
        }
        let place = SettingsNode.Place.file(line: mark.0, column: mark.1)
        switch node {
        case .scalar(let scalar):
            return SettingsNode(kind: try kind(scalar, mark), place: place)
        case .sequence(let sequence):
            try refuseTag(sequence.tag, mark)
            return SettingsNode(
                kind: .list(try sequence.map { try convert($0, depth: depth + 1) }), place: place)
        case .mapping(let mapping):
            try refuseTag(mapping.tag, mark)
            var entries: [SettingsNode.Entry] = []
            for (key, value) in mapping {
                let keyMark = key.mark.map { ($0.line, $0.column) } ?? mark
                guard case .scalar(let name) = key, name.string.utf8.count <= 256 else {
                    throw failure(keyMark, "a key must be a word")
                }
                let keyPlace = SettingsNode.Place.file(line: keyMark.0, column: keyMark.1)
                let value = try convert(value, depth: depth + 1)
                entries.append(.init(key: name.string, place: keyPlace, value: value))
            }
            return SettingsNode(kind: .map(entries), place: place)
        case .alias:
            throw failure(mark, "anchors and aliases (`&name`, `*name`) are not used here; write it out")
        }
    }

    private func kind(_ scalar: Node.Scalar, _ mark: (Int, Int)) throws -> SettingsNode.Kind {
        guard scalar.string.utf8.count <= Self.maximumScalarBytes else {
            throw failure(mark, "a value has at most \(Self.maximumScalarBytes / 1024) KiB")
        }
        let isPlain = scalar.style == .plain || scalar.style == .any
        if isPlain || scalar.tag.rawValue != Tag.Name.str.rawValue { try refuseTag(scalar.tag, mark) }
        if isPlain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .null }
        return .scalar(scalar.string, quoted: !isPlain)
    }

    private func refuseTag(_ tag: Tag, _ mark: (Int, Int)) throws {
        guard tag.rawValue.isEmpty else {
            let short = tag.rawValue.replacing("tag:yaml.org,2002:", with: "!!")
            throw failure(mark, "tags such as \(Quoted.short(short, mark: "`")) are not used here; remove it")
        }
    }

    private func failure(
        _ mark: (line: Int, column: Int)?, key: String? = nil, _ message: String
    ) -> SettingsError {
        SettingsError([
            .init(
                path: path, line: mark?.line, column: mark?.column, override: nil, key: key, message: message)
        ])
    }

    // MARK: Translation of the parser's errors

    private func translated(_ error: YamlError, yaml: String) -> SettingsError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = (mark.line, mark.column)
            if problem.contains("another document") {
                return failure(place, "a second document begins; a settings file holds one")
            }
            let hint = YamlText.hint(for: problem, line: mark.line, column: mark.column, in: yaml)
            let opened =
                context.map { $0.mark.line < mark.line ? "; it began at line \($0.mark.line)" : "" } ?? ""
            let isUnclosed = hint?.hasSuffix("not closed") ?? true
            return failure(place, "not valid YAML: \(hint ?? problem)\(isUnclosed ? opened : "")")
        case .reader(let problem, let offset, _, _):
            let place = offset.map { YamlText.place(ofCharacter: $0, in: yaml) }
            return failure(place, "not valid YAML: \(problem); remove the character")
        case .duplicatedKeysInMapping(let names, let context):
            let name = names.first ?? "?"
            let first = (line: context.mark.line, column: context.mark.column)
            let key = YamlText.enclosingKeys(first.line, first.column, in: yaml) + [name]
            let second = YamlText.repetition(of: name, after: first, in: yaml) ?? first
            let dotted = Quoted.short(key.joined(separator: "."), mark: "`")
            return failure(
                second, key: key.joined(separator: "."),
                "\(dotted) appears twice; it is also at line \(first.line)")
        case .memory:
            return failure(nil, "not valid YAML: nested too deeply")
        case .no, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return failure(nil, "not valid YAML: \(error)")
        }
    }
}
