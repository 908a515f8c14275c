/// A parsed document: YAML with the place of everything and the values of `--set` merged in.
struct SettingsNode {
    /// Where a node was written.
    enum Place {
        case file(line: Int, column: Int)
        case override(String)
    }

    enum Kind {
        /// `~`, `null` or nothing at all.
        case null
        /// A scalar as it was written, without its quotes.
        case scalar(String, quoted: Bool)
        case list([SettingsNode])
        case map([Entry])
    }

    struct Entry {
        var key: String
        var place: Place
        var value: SettingsNode
    }

    var kind: Kind
    var place: Place
    /// The text behind `=` of an override: a text field takes it as it is.
    var raw: String?

    /// What was received, for a message.
    var received: String {
        switch kind {
        case .null: return "nothing"
        case .scalar(let text, let quoted):
            return quoted ? "the text \(Quoted.short(text, mark: "\""))" : Quoted.short(text, mark: "`")
        case .list: return "a list"
        case .map: return "a group of settings"
        }
    }
}

/// Text of strangers, made fit for one line of a message.
enum Quoted {
    /// At most `length` characters, without control characters, between two marks.
    static func short(_ text: String, mark: String, length: Int = 40) -> String {
        var out = ""
        for scalar in text.unicodeScalars.prefix(length) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                out += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        if text.unicodeScalars.count > length { out += "…" }
        return mark + out + mark
    }

    /// The argument of a `--set`.
    static func argument(_ text: String) -> String { short(text, mark: "", length: 60) }
}
