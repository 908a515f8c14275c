/// The packet of metadata that PNG and JPEG files carry (ISO 16684-1), as far as an ``Origin`` goes.
enum XMP {
    static let digitalSourceType = "http://cv.iptc.org/newscodes/digitalsourcetype/"

    /// A packet that says what `origin` says.
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

    /// What a packet, ours or another program's, says; nil if not that a model had a hand in the picture.
    static func origin(_ packet: String) -> Origin? {
        let properties = MarkupScanner.properties(packet)
        let type = properties.last { $0.name == "Iptc4xmpExt:DigitalSourceType" }?.value
        guard let name = type?.split(separator: "/").last, let source = Origin.Source(rawValue: String(name))
        else {
            return nil
        }
        var fields: [(name: String, value: String)] = []
        var model = ""
        for (name, value) in properties where name.hasPrefix("facegan:") {
            let key = String(name.dropFirst("facegan:".count))
            if key == "model" {
                model = value
            } else if Origin.isName(key), key != "software", !fields.contains(where: { $0.name == key }) {
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
            // XML cannot represent other control characters.
            case _ where scalar.value < 32 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
