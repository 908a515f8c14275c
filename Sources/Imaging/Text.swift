/// Writing on pictures with a small built-in font of the printable ASCII characters; others become boxes.
public enum Text {
    /// Pixels from one character to the next, at scale 1.
    public static let advance = Glyphs.width + 1
    /// Pixels from one line to the next, at scale 1.
    public static let lineHeight = Glyphs.height + 2

    /// Writes `text`, the upper left corner of its first character at (`x`, `y`); what hangs over the edge is cut.
    ///
    /// - Parameters:
    ///   - text: "\n" begins a line.
    ///   - scale: pixels a dot of the font, >= 1.
    public static func draw(
        _ text: String, on picture: inout Picture, x: Int, y: Int, color: Color = .black, scale: Int = 1
    ) {
        precondition(scale >= 1, "a scale of at least 1, got \(scale)")
        let values = color.values(channels: picture.channels)
        for (line, characters) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for (column, character) in characters.enumerated() {
                draw(
                    Glyphs.rows(character), on: &picture, x: x + column * advance * scale,
                    y: y + line * lineHeight * scale, values, scale)
            }
        }
    }

    /// The size in pixels of what `draw` would write.
    public static func size(of text: String, scale: Int = 1) -> (width: Int, height: Int) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let columns = lines.reduce(0) { max($0, $1.count) }
        return (
            max(0, columns * advance - 1) * scale, (lines.count * lineHeight - 2) * scale
        )
    }

    /// `text`, shortened with ".." to fit into `width` pixels.
    static func fitted(_ text: String, width: Int, scale: Int = 1) -> String {
        let room = (width / scale + 1) / advance
        if text.count <= room { return text }
        return room <= 2 ? String(text.prefix(max(0, room))) : text.prefix(room - 2) + ".."
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
