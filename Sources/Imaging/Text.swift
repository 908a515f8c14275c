/// Text drawing with a small built-in font of the printable ASCII characters. Other characters are drawn as boxes.
public enum Text {
    /// Horizontal distance between characters in pixels, at scale 1.
    public static let advance = Glyphs.width + 1
    /// Vertical distance between lines in pixels, at scale 1.
    public static let lineHeight = Glyphs.height + 2

    /// Draws text with the upper left corner of its first character at (`x`, `y`). Parts outside the picture are
    /// clipped.
    ///
    /// - Parameters:
    ///   - text: "\n" starts a new line.
    ///   - picture: the picture to draw on.
    ///   - x: left edge in pixels.
    ///   - y: upper edge in pixels.
    ///   - color: color of the text.
    ///   - scale: pixels per dot of the font, at least 1.
    public static func draw(
        _ text: String, on picture: inout Picture, x: Int, y: Int, color: Color = .black, scale: Int = 1
    ) {
        precondition(scale >= 1, "Text.draw: expected a scale of at least 1, got \(scale)")
        let values = color.values(channels: picture.channels)
        for (line, characters) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for (column, character) in characters.enumerated() {
                draw(
                    Glyphs.rows(character), on: &picture, x: x + column * advance * scale,
                    y: y + line * lineHeight * scale, values, scale)
            }
        }
    }

    /// Returns the size of drawn text in pixels.
    public static func size(of text: String, scale: Int = 1) -> (width: Int, height: Int) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let columns = lines.reduce(0) { max($0, $1.count) }
        return (
            max(0, columns * advance - 1) * scale, (lines.count * lineHeight - 2) * scale
        )
    }

    /// Returns `text`, truncated with ".." to fit into `width` pixels.
    static func fitted(_ text: String, width: Int, scale: Int = 1) -> String {
        let limit = (width / scale + 1) / advance
        if text.count <= limit { return text }
        return limit <= 2 ? String(text.prefix(max(0, limit))) : text.prefix(limit - 2) + ".."
    }

    private static func draw(
        _ rows: UInt64, on picture: inout Picture, x: Int, y: Int, _ values: [UInt8], _ scale: Int
    ) {
        for row in 0..<Glyphs.height {
            let bits = rows >> UInt64(8 * (Glyphs.height - 1 - row))
            for column in 0..<Glyphs.width where bits >> UInt64(Glyphs.width - 1 - column) & 1 == 1 {
                picture.fill(
                    x: x + column * scale, y: y + row * scale, width: scale, height: scale, values: values)
            }
        }
    }
}

/// A fixed-width bitmap font of the printable ASCII characters: 5 x 7 pixels, and one row for descenders.
enum Glyphs {
    static let width = 5
    static let height = 8

    /// Rows of a character, the top row in the highest byte. Bit 4 of each byte is the leftmost pixel.
    static func rows(_ character: Character) -> UInt64 {
        guard let code = character.asciiValue, (32...126).contains(code) else { return unknown }
        return table[Int(code) - 32]
    }

    private static let unknown: UInt64 = 0x1F11_1111_1111_1F00

    private static let table: [UInt64] = [
        0x0000000000000000, 0x0404040404000400, 0x0A0A0A0000000000, 0x0A0A1F0A1F0A0A00,  // space ! " #
        0x040F140E051E0400, 0x1819020408130300, 0x0814140815120D00, 0x0404040000000000,  // $ % & '
        0x0204080808040200, 0x0804020202040800, 0x0004150E15040000, 0x0004041F04040000,  // ( ) * +
        0x00000000000C0408, 0x0000001F00000000, 0x00000000000C0C00, 0x0101020408101000,  // , - . /
        0x0E11131519110E00, 0x040C040404040E00, 0x0E11010608101F00, 0x0E11010601110E00,  // 0 1 2 3
        0x02060A121F020200, 0x1F101E0101110E00, 0x0608101E11110E00, 0x1F01020408080800,  // 4 5 6 7
        0x0E11110E11110E00, 0x0E11110F01020C00, 0x000C0C000C0C0000, 0x000C0C000C040800,  // 8 9 : ;
        0x0204081008040200, 0x00001F001F000000, 0x0804020102040800, 0x0E11010204000400,  // < = > ?
        0x0E11171517100E00, 0x040A11111F111100, 0x1E11111E11111E00, 0x0E11101010110E00,  // @ A B C
        0x1C12111111121C00, 0x1F10101E10101F00, 0x1F10101E10101000, 0x0E11101711110F00,  // D E F G
        0x1111111F11111100, 0x0E04040404040E00, 0x0702020202120C00, 0x1112141814121100,  // H I J K
        0x1010101010101F00, 0x111B151511111100, 0x1111191513111100, 0x0E11111111110E00,  // L M N O
        0x1E11111E10101000, 0x0E11111115120D00, 0x1E11111E14121100, 0x0F10100E01011E00,  // P Q R S
        0x1F04040404040400, 0x1111111111110E00, 0x11111111110A0400, 0x1111151515150A00,  // T U V W
        0x11110A040A111100, 0x11110A0404040400, 0x1F01020408101F00, 0x0E08080808080E00,  // X Y Z [
        0x1010080402010100, 0x0E02020202020E00, 0x040A110000000000, 0x0000000000001F00,  // \ ] ^ _
        0x0804000000000000, 0x00000E010F110F00, 0x1010161911111E00, 0x00000E1010110E00,  // ` a b c
        0x01010D1311110F00, 0x00000E111F100E00, 0x0609081C08080800, 0x00000F11110F010E,  // d e f g
        0x1010161911111100, 0x04000C0404040E00, 0x020006020202120C, 0x1010121418141200,  // h i j k
        0x0C04040404040E00, 0x00001A1515151500, 0x0000161911111100, 0x00000E1111110E00,  // l m n o
        0x00001E11111E1010, 0x00000F11110F0101, 0x0000161910101000, 0x00000F100E011E00,  // p q r s
        0x08081C0808090600, 0x0000111111130D00, 0x00001111110A0400, 0x0000111115150A00,  // t u v w
        0x0000110A040A1100, 0x00001111110F010E, 0x00001F0204081F00, 0x0204040804040200,  // x y z {
        0x0404040404040400, 0x0804040204040800, 0x0000081502000000,  // | } ~
    ]
}
