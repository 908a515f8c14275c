/// JSON text that is built in a fixed order. Faster than `JSONEncoder`, and the same bytes on every platform.
package enum JSONText {
    /// String with escapes.
    package static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 32 || scalar.value == 127:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Number with a fixed number of decimals, without zeros at its end; `null` for numbers that are not finite.
    package static func number(_ value: Double, decimals: Int = 4) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "null" }
        let scale = (0..<decimals).reduce(1) { value, _ in value * 10 }
        let scaled = Int((value * Double(scale)).rounded())
        let (whole, fraction) = (scaled.magnitude / UInt(scale), scaled.magnitude % UInt(scale))
        let sign = scaled < 0 ? "-" : ""
        guard fraction > 0 else { return "\(sign)\(whole)" }
        let digits = String(fraction)
        var text = String(repeating: "0", count: decimals - digits.count) + digits
        while text.last == "0" { text.removeLast() }
        return "\(sign)\(whole).\(text)"
    }

    /// Array of JSON texts.
    package static func array(_ elements: some Sequence<String>) -> String {
        "[" + elements.joined(separator: ", ") + "]"
    }

    /// Object of keys and JSON texts, in the given order.
    package static func object(_ fields: some Sequence<(String, String)>) -> String {
        "{" + fields.map { string($0.0) + ": " + $0.1 }.joined(separator: ", ") + "}"
    }
}
