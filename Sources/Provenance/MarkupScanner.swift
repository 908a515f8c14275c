/// Finds attributes and simple elements in XML without judging it: enough for metadata of strangers.
struct MarkupScanner {
    typealias Property = (name: String, value: String)

    private let text: [UInt8]
    private var position = 0

    /// Every attribute, every element with nothing but text in it (as name and text), and every `rdf:resource` under
    /// the name of its element; in order of appearance.
    static func properties(_ xml: String) -> [Property] {
        var scanner = MarkupScanner(text: Array(xml.utf8))
        return scanner.scan()
    }

    private mutating func scan() -> [Property] {
        var found: [Property] = []
        var open: (name: String, content: Int)?
        while let start = text[position...].firstIndex(of: UInt8(ascii: "<")) {
            position = start + 1
            guard position < text.count else { break }
            if text[position] == UInt8(ascii: "/") {
                position += 1
                let name = word()
                if let open, open.name == name { found.append((name, unescaped(text[open.content..<start]))) }
                open = nil
                skip(past: UInt8(ascii: ">"))
            } else if text[position] == UInt8(ascii: "?") || text[position] == UInt8(ascii: "!") {
                skip(past: UInt8(ascii: ">"))
            } else {
                let name = word()
                var closed = false
                while let attribute = nextAttribute(&closed) {
                    found.append(attribute.name == "rdf:resource" ? (name, attribute.value) : attribute)
                }
                open = closed ? nil : (name, position)
            }
        }
        return found
    }

    /// The next `name="value"` of a tag; nil at the tag's end, behind which it stops.
    private mutating func nextAttribute(_ closed: inout Bool) -> Property? {
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: ">"):
                position += 1
                return nil
            case UInt8(ascii: "/"):
                closed = true
                position += 1
            case 9, 10, 13, 32: position += 1
            default:
                let name = word()
                while position < text.count, [9, 10, 13, 32, UInt8(ascii: "=")].contains(text[position]) {
                    position += 1
                }
                guard position < text.count else { return nil }
                let quote = text[position]
                guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                    if name.isEmpty { position += 1 }
                    continue
                }
                position += 1
                let end = text[position...].firstIndex(of: quote) ?? text.count
                let value = unescaped(text[position..<end])
                position = min(end + 1, text.count)
                return (name, value)
            }
        }
        return nil
    }

    private mutating func word() -> String {
        let stops: [UInt8] = [9, 10, 13, 32] + Array("<>=/\"'".utf8)
        let end = text[position...].firstIndex { stops.contains($0) } ?? text.count
        defer { position = end }
        return String(decoding: text[position..<end], as: UTF8.self)
    }

    private mutating func skip(past byte: UInt8) {
        position = text[position...].firstIndex(of: byte).map { $0 + 1 } ?? text.count
    }

    private func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        let parts = String(decoding: bytes, as: UTF8.self).split(
            separator: "&", omittingEmptySubsequences: false)
        var result = String(parts.first ?? "")
        for part in parts.dropFirst() {
            guard let end = part.firstIndex(of: ";"), let scalar = Self.entity(part[..<end]) else {
                result += "&" + part
                continue
            }
            result.unicodeScalars.append(scalar)
            result += part[part.index(after: end)...]
        }
        return result
    }

    private static func entity(_ name: Substring) -> Unicode.Scalar? {
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard name.first == "#" else { return nil }
            let digits = name.dropFirst()
            let number = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return number.flatMap { Unicode.Scalar($0) }
        }
    }
}
