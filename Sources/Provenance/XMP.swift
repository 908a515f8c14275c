/// Metadata packets of PNG and JPEG files (ISO 16684-1), restricted to the content of an ``Origin``.
enum XMP {
    /// Maximum size of a packet that is read, in bytes.
    static let sizeLimit = 1 << 20

    static let digitalSourceType = "http://cv.iptc.org/newscodes/digitalsourcetype/"

    /// Returns a packet with an origin.
    static func packet(_ origin: Origin) -> String {
        var attributes = [
            "Iptc4xmpExt:DigitalSourceType=\"\(digitalSourceType)\(origin.source.rawValue)\"",
            "xmp:CreatorTool=\"\(MarkupText.escaped(origin.software))\"",
            "facegan:model=\"\(MarkupText.escaped(origin.model))\"",
        ]
        attributes += origin.fields.map { "facegan:\($0.name)=\"\(MarkupText.escaped($0.value))\"" }
        return """
            <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
            <x:xmpmeta xmlns:x="adobe:ns:meta/">
            <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
            <rdf:Description rdf:about=""
            xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
            xmlns:xmp="http://ns.adobe.com/xap/1.0/"
            xmlns:facegan="urn:facegan:origin:1"
            \(attributes.joined(separator: "\n"))/>
            </rdf:RDF>
            </x:xmpmeta>
            <?xpacket end="w"?>
            """
    }

    /// Returns the origin in a packet of this or another program; nil if it does not declare a generated picture
    /// or is larger than `sizeLimit`. At most `Origin.fieldLimit` fields are read.
    static func origin(_ packet: String) -> Origin? {
        guard packet.utf8.count <= sizeLimit else { return nil }
        let properties = MarkupScanner.properties(packet)
        let type = properties.last { $0.name == "Iptc4xmpExt:DigitalSourceType" }?.value
        guard let name = type?.split(separator: "/").last, let source = Origin.Source(rawValue: String(name))
        else {
            return nil
        }
        var fields: [(name: String, value: String)] = []
        var seen: Set<String> = ["software"]
        var model = ""
        for (name, value) in properties where name.hasPrefix("facegan:") {
            let key = String(name.dropFirst("facegan:".count))
            if key == "model" {
                model = value
            } else if fields.count < Origin.fieldLimit, key.utf8.count <= Origin.nameLimit,
                Origin.isName(key),
                seen.insert(key).inserted
            {
                fields.append((key, value))
            }
        }
        let software = properties.first { $0.name == "xmp:CreatorTool" }?.value ?? ""
        return Origin(software: software, model: model, fields: fields, source: source)
    }
}

/// Text in XML and HTML.
public enum MarkupText {
    /// Text for element content and for attribute values in double quotes.
    public static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += "&#\(scalar.value);"
            // XML cannot represent the other control characters.
            case _ where scalar.value < 32 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Lenient scanner of attributes and simple elements in XML, for metadata of unknown origin.
struct MarkupScanner {
    typealias Property = (name: String, value: String)

    private let text: [UInt8]
    private var position = 0

    /// Returns all attributes, all elements that contain only text (as name and text), and each `rdf:resource` under
    /// the name of its element, in order of appearance.
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

    /// Returns the next `name="value"` of a tag, or nil after the end of the tag.
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
