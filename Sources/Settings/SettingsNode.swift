/// Node of a parsed document. Every node has its place; `--set` values are merged in.
struct SettingsNode {
    /// Origin of a node: a place in the file or a `--set` argument.
    enum Place {
        case file(line: Int, column: Int)
        case override(String)
    }

    enum Kind {
        /// `~`, `null` or an empty value.
        case null
        /// Text of a scalar without quotes.
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
    /// Text after `=` of an override, which a text field uses unparsed.
    var raw: String?

    /// Description of the value for messages.
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

/// Untrusted text, escaped for one line of a message.
enum Quoted {
    /// At most `length` characters between two marks, with control characters escaped.
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

/// "Did you mean" suggestions.
public enum Suggestion {
    /// The candidate closest to `word`; nil if none is close.
    ///
    /// Case, `-` and `_` are ignored. The edit distance may be up to a third of the length. The first of equally close
    /// candidates is returned.
    public static func closest(to word: String, in candidates: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let wanted = folded(word)
        guard !wanted.isEmpty else { return nil }
        var best: (candidate: String, distance: Int)?
        for candidate in candidates where candidate != word {
            let other = folded(candidate)
            let allowed = max(wanted.count, other.count) / 3
            guard abs(wanted.count - other.count) <= allowed else { continue }
            let d = distance(wanted, other)
            if d <= allowed, d < best?.distance ?? .max { best = (candidate, d) }
        }
        return best?.candidate
    }

    private static func folded(_ word: String) -> [Character] {
        word.lowercased().filter { $0 != "_" && $0 != "-" }.map { $0 }
    }

    /// Edit distance with transpositions of neighbors (optimal string alignment).
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var before = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + [Int](repeating: 0, count: b.count)
            for j in 1...b.count {
                let change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                row[j] = min(change, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], before[j - 2] + 1)
                }
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }
}
