/// Pictures side by side in one.
public struct Grid: Sendable {
    /// Arranges pictures row by row; every cell is as large as the largest picture.
    ///
    /// - Parameters:
    ///   - pictures: at least one; mixed with colour, grey becomes RGB. Transparency shows white.
    ///   - columns: nil for a grid about as wide as high.
    ///   - padding: pixels between the cells and around them.
    ///   - background: grey value of the padding and of empty cells.
    public static func compose(
        _ pictures: [Picture], columns: Int? = nil, padding: Int = 2, background: UInt8 = 255
    ) -> Picture {
        precondition(!pictures.isEmpty, "a grid of at least one picture")
        precondition(padding >= 0 && (columns ?? 1) > 0, "padding >= 0 and columns >= 1")
        let channels = pictures.allSatisfy { $0.channels == 1 } ? 1 : 3
        let cellWidth = pictures.reduce(0) { max($0, $1.width) }
        let cellHeight = pictures.reduce(0) { max($0, $1.height) }
        let columns = min(columns ?? Int(Double(pictures.count).squareRoot().rounded(.up)), pictures.count)
        let rows = (pictures.count + columns - 1) / columns
        var result = Picture(
            width: columns * (cellWidth + padding) + padding, height: rows * (cellHeight + padding) + padding,
            channels: channels, filledWith: background)
        for (index, picture) in pictures.enumerated() {
            let x = padding + index % columns * (cellWidth + padding) + (cellWidth - picture.width) / 2
            let y = padding + index / columns * (cellHeight + padding) + (cellHeight - picture.height) / 2
            result.paste(channels == 3 ? picture.rgb() : picture, x: x, y: y)
        }
        return result
    }
}
