/// HTML source in which every inserted text is escaped.
///
/// Literals are markup. Interpolated strings are text: `"<b>\(name)</b>"` shows the name, whatever characters it has. Titles,
/// labels, protocols and metadata of stores come from files of strangers.
struct HTML: ExpressibleByStringInterpolation, Sendable {
    /// Markup.
    private(set) var source: String

    /// Creates markup from a literal.
    init(stringLiteral markup: String) { source = markup }
    /// Creates markup from a literal with interpolated text.
    init(stringInterpolation: StringInterpolation) { source = stringInterpolation.source }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            source.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        mutating func appendLiteral(_ markup: String) { source += markup }
        mutating func appendInterpolation(_ text: String) { source += HTML.escaped(text) }
        mutating func appendInterpolation(_ number: Int) { source += String(number) }
        mutating func appendInterpolation(_ number: UInt64) { source += String(number) }
        mutating func appendInterpolation(_ markup: HTML) { source += markup.source }
    }

    static func + (a: HTML, b: HTML) -> HTML { "\(a)\(b)" }

    /// Text for element content and for quoted attribute values. Control characters and bidirectional controls, which could
    /// reorder the text around them, are replaced by U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x26: result += "&amp;"
            case 0x3C: result += "&lt;"
            case 0x3E: result += "&gt;"
            case 0x22: result += "&quot;"
            case 0x27: result += "&#39;"
            case 0x60: result += "&#96;"
            case 0x09, 0x0A: result.unicodeScalars.append(scalar)
            case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x206F:
                result.unicodeScalars.append("\u{FFFD}")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Sequence where Element == HTML {
    /// Concatenates markup with a separator.
    func joined(separator: HTML = "") -> HTML {
        var result: HTML = ""
        for (index, part) in enumerated() { result = index == 0 ? part : result + separator + part }
        return result
    }
}
