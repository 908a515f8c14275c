/// A file name that is compared by its bytes.
///
/// Swift compares strings by canonical equivalence, so that `é` in one and in two scalars are equal. They are
/// different file names on most systems.
public struct FileName: Hashable, Sendable, ExpressibleByStringLiteral {
    /// UTF-8 bytes of the name.
    public let bytes: [UInt8]

    /// Creates a name from its text.
    public init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    /// Text of the name.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Creates a name from a literal.
    public init(stringLiteral text: String) { self.init(text) }
}

/// Conversion of file names to text. Different bytes result in different text, except where stated.
package enum FileNames {
    /// Returns the text of a name: UTF-8, where bytes that are not part of a printable character are written as `\xHH`.
    ///
    /// Control characters and line separators are not printable. A name that contains the text `\xHH` can collide with
    /// an escaped name; see `distinct`.
    package static func text(_ bytes: some Collection<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        if text.utf8.elementsEqual(bytes), !text.unicodeScalars.contains(where: isControl) { return text }
        return escaped(Array(bytes))
    }

    /// Returns the text of a name in code page 437, the default encoding of zip archives. Every byte is a character.
    package static func codePage437(_ bytes: some Collection<UInt8>) -> String {
        var result = ""
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F {
                result += escape(byte)
            } else {
                result.unicodeScalars.append(byte < 0x80 ? Unicode.Scalar(byte) : upper[Int(byte) - 0x80])
            }
        }
        return result
    }

    /// Returns names that differ in their bytes: ` (2)` and so on is inserted into later occurrences of a name.
    package static func distinct(_ names: [String]) -> [String] {
        var used = Set<FileName>(minimumCapacity: names.count)
        var waiting: [Int] = []
        for (index, name) in names.enumerated() where !used.insert(FileName(name)).inserted {
            waiting.append(index)
        }
        var result = names
        for index in waiting {
            let name = names[index]
            let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex
            let slash = name.utf8.lastIndex(of: UInt8(ascii: "/")) ?? name.startIndex
            let end = dot > slash ? dot : name.endIndex
            var number = 2
            repeat {
                result[index] = "\(name[..<end]) (\(number))\(name[end...])"
                number += 1
            } while !used.insert(FileName(result[index])).inserted
        }
        return result
    }

    /// Replaces all bytes that are not part of a valid and printable character.
    private static func escaped(_ bytes: [UInt8]) -> String {
        var result = ""
        var at = 0
        while at < bytes.count {
            let width =
                switch bytes[at] {
                case 0x20..<0x7F: 1
                case 0xC2..<0xE0: 2
                case 0xE0..<0xF0: 3
                case 0xF0..<0xF5: 4
                default: 0
                }
            let part = bytes[at..<min(bytes.count, at + width)]
            let text = String(decoding: part, as: UTF8.self)
            if width > 0, part.count == width, text.utf8.elementsEqual(part),
                !text.unicodeScalars.contains(where: isControl)
            {
                result += text
                at += width
            } else {
                result += escape(bytes[at])
                at += 1
            }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar.value == 0x2028
            || scalar.value == 0x2029
    }

    private static func escape(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return "\\x" + (digits.count < 2 ? "0" : "") + digits
    }

    /// Characters 128 to 255 of code page 437.
    private static let upper: [Unicode.Scalar] = Array(
        ("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧"
            + "╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}").unicodeScalars)
}
