/// Line-based inspection of YAML text, for hints that the parser's errors lack.
enum YamlText {
    /// Line of an alias with an anchor anywhere in the text; nil if there is none.
    ///
    /// The search covers all bytes, including quoted texts and comments, so that no alias is missed. A false positive
    /// requires the same name after both `&` and `*`.
    static func aliasLine(in yaml: String) -> Int? {
        var anchors: Set<[UInt8]> = []
        forEachName(after: UInt8(ascii: "&"), in: yaml) { name, _ in anchors.insert(name) }
        guard !anchors.isEmpty else { return nil }
        var found: Int?
        forEachName(after: UInt8(ascii: "*"), in: yaml) { name, line in
            if found == nil, anchors.contains(name) { found = line }
        }
        return found
    }

    private static func forEachName(after mark: UInt8, in yaml: String, _ body: ([UInt8], Int) -> Void) {
        var line = 1
        var name: [UInt8]?
        for byte in yaml.utf8 {
            let isName =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            if isName {
                name?.append(byte)
            } else {
                if let name, !name.isEmpty { body(name, line) }
                name = byte == mark ? [] : nil
            }
            if byte == 0x0A { line += 1 }
        }
        if let name, !name.isEmpty { body(name, line) }
    }

    /// Advice for common syntax errors; nil for others.
    static func hint(for problem: String, line: Int, column: Int, in yaml: String) -> String? {
        let text = lines(yaml).dropFirst(line - 1).first ?? ""
        if text.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
            return "a tab indents this line; indent with spaces"
        }
        if problem.contains("mapping values are not allowed") {
            return "a `:` that is out of place; check the indentation, and quote a text that holds `: `"
        }
        if problem.contains("could not find expected ':'") {
            return "a key without `:`; write `key: value`"
        }
        if problem.contains("undefined alias") {
            return "a value that begins with `*` is an alias; quote the text"
        }
        if problem.contains("unexpected end of stream") { return "a quoted text that is not closed" }
        if problem.contains("did not find expected ',' or") { return "a `[` or `{` that is not closed" }
        if problem.contains("cannot start any token") {
            return "a value cannot begin with this character; quote the text"
        }
        if problem.contains("did not find expected <block end>")
            || problem.contains("did not find expected key")
        {
            return "the indentation does not fit the lines above"
        }
        return nil
    }

    static func place(ofCharacter offset: Int, in yaml: String) -> (line: Int, column: Int) {
        let before = yaml.prefix(offset)
        let line = before.count(where: \.isNewline) + 1
        let start = before.lastIndex(where: \.isNewline).map { before.index(after: $0) } ?? before.startIndex
        return (line, before[start...].unicodeScalars.count + 1)
    }

    /// Place at which a block mapping repeats `key` below `first`.
    static func repetition(
        of key: String, after first: (line: Int, column: Int), in yaml: String
    ) -> (line: Int, column: Int)? {
        for (index, line) in lines(yaml).enumerated().dropFirst(first.line) {
            let indent = line.prefix(while: { $0 == " " }).count
            let content = line.dropFirst(indent)
            if content.isEmpty || content.hasPrefix("#") { continue }
            if indent + 1 < first.column { return nil }
            guard indent + 1 == first.column else { continue }
            if keyName(content) == key { return (index + 1, first.column) }
        }
        return nil
    }

    /// Keys of the block mappings that contain a place, outermost first.
    static func enclosingKeys(_ line: Int, _ column: Int, in yaml: String) -> [String] {
        var keys: [String] = []
        var column = column
        for text in lines(yaml).prefix(max(0, line - 1)).reversed() {
            let indent = text.prefix(while: { $0 == " " }).count
            let content = text.dropFirst(indent)
            if content.isEmpty || content.hasPrefix("#") || indent + 1 >= column { continue }
            column = indent + 1
            if let name = keyName(content) { keys.insert(name, at: 0) }
            if column == 1 { break }
        }
        return keys
    }

    private static func keyName(_ content: Substring) -> String? {
        guard let colon = content.firstIndex(of: ":") else { return nil }
        var name = content[..<colon]
        while name.last == " " { name.removeLast() }
        for quote in ["\"", "'"] where name.count >= 2 && name.hasPrefix(quote) && name.hasSuffix(quote) {
            name = name.dropFirst().dropLast()
        }
        return String(name)
    }

    private static func lines(_ yaml: String) -> [Substring] {
        yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    }
}
