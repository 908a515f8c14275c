/// Text that is safe to write to a terminal.
///
/// Names of files and labels come from strangers. Control characters in them could move the cursor, change the title of the
/// window or hide text. Bidirectional controls could show the characters of a name in another order.
public enum ConsoleText {
    /// Returns text in which control characters are visible: ESC becomes `\u{1B}`.
    ///
    /// Line feeds and tabs are kept. The other characters of C0 and C1, DEL, bidirectional controls, line and paragraph
    /// separators, and noncharacters are replaced.
    public static func printable(_ text: String) -> String { replaced(text, keepsLines: true) { _ in nil } }

    /// Returns `printable` text in which line feeds and tabs are visible, too.
    public static func printableLine(_ text: String) -> String {
        replaced(text, keepsLines: false) { _ in nil }
    }

    /// Text for a sink: as `printable`, with style marks converted to ANSI codes.
    static func encoded(_ text: String, keepsLines: Bool = true, hasColors: Bool) -> String {
        replaced(text, keepsLines: keepsLines) { hasColors ? StyleMark.code(of: $0) : nil }
    }

    private static func replaced(
        _ text: String, keepsLines: Bool, mark: (Unicode.Scalar) -> String?
    ) -> String {
        guard text.utf8.contains(where: { ($0 < 0x20 && !(keepsLines && isLine($0))) || $0 >= 0x7F }) else {
            return text
        }
        var result = ""
        for scalar in text.unicodeScalars {
            if let code = mark(scalar) {
                result += code
            } else if isControl(scalar.value) && !(keepsLines && (scalar == "\n" || scalar == "\t")) {
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isLine(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x09 }

    private static func isControl(_ value: UInt32) -> Bool {
        switch value {
        // C0, DEL and C1
        case 0..<0x20, 0x7F..<0xA0: true
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0x206A...0x206F: true
        // Line and paragraph separators, interlinear annotations
        case 0x2028, 0x2029, 0xFFF9...0xFFFB: true
        // Noncharacters, among them the style marks
        case 0xFDD0...0xFDEF,
            _ where value & 0xFFFE == 0xFFFE:
            true
        default: false
        }
    }
}

/// Marks of styles inside text: noncharacters, which no other text contains. `ConsoleOutput` converts them to ANSI codes.
///
/// Escape sequences inside text are replaced. Styles are therefore marked in another way.
enum StyleMark {
    private static let first: UInt32 = 0xFDD0
    private static let end: UInt32 = 0xFDEF

    /// Text between the marks of a style.
    static func styled(_ text: String, _ style: ConsoleStyle) -> String {
        let index = ConsoleStyle.allCases.firstIndex(of: style) ?? 0
        return character(first + UInt32(index)) + text + character(end)
    }

    /// ANSI code of a mark; nil for another character.
    static func code(of scalar: Unicode.Scalar) -> String? {
        if scalar.value == end { return "\u{1B}[0m" }
        guard scalar.value >= first, case let index = Int(scalar.value - first),
            index < ConsoleStyle.allCases.count
        else { return nil }
        return "\u{1B}[\(ConsoleStyle.allCases[index].rawValue)m"
    }

    private static func character(_ value: UInt32) -> String {
        Unicode.Scalar(value).map { String(Character($0)) } ?? ""
    }
}
