/// Arrangement of pictures in a grid.
public struct Grid: Sendable {
    /// Arranges pictures in rows. All cells have the size of the largest picture.
    ///
    /// - Parameters:
    ///   - pictures: at least one picture. Gray pictures become RGB if any picture has color. Transparency is
    ///     composited on white.
    ///   - columns: number of columns; nil for an approximately square grid.
    ///   - padding: pixels between and around the cells.
    ///   - background: gray value of the padding and of empty cells.
    ///   - captions: texts below the pictures, truncated to the width of the cell; an empty text for no caption.
    public static func compose(
        _ pictures: [Picture], columns: Int? = nil, padding: Int = 2, background: UInt8 = 255,
        captions: [String]? = nil
    ) -> Picture {
        precondition(!pictures.isEmpty, "Grid: expected at least one picture")
        precondition(
            padding >= 0 && (columns ?? 1) > 0,
            "Grid: expected a padding of at least 0 and at least 1 column")
        precondition(
            captions.map { $0.count == pictures.count } ?? true, "Grid: expected one caption per picture")
        let channels = pictures.allSatisfy { $0.channels == 1 } ? 1 : 3
        let cellWidth = pictures.reduce(0) { max($0, $1.width) }
        let pictureHeight = pictures.reduce(0) { max($0, $1.height) }
        let cellHeight = pictureHeight + (captions == nil ? 0 : Text.lineHeight + 1)
        let columns = min(columns ?? Int(Double(pictures.count).squareRoot().rounded(.up)), pictures.count)
        let rows = (pictures.count + columns - 1) / columns
        var result = Picture(
            width: columns * (cellWidth + padding) + padding, height: rows * (cellHeight + padding) + padding,
            channels: channels, filledWith: background)
        for (index, picture) in pictures.enumerated() {
            let left = padding + index % columns * (cellWidth + padding)
            let top = padding + index / columns * (cellHeight + padding)
            result.paste(
                channels == 3 ? picture.rgb() : picture, x: left + (cellWidth - picture.width) / 2,
                y: top + (pictureHeight - picture.height) / 2)
            if let caption = captions?[index], !caption.isEmpty {
                let text = Text.fitted(caption, width: cellWidth)
                let x = left + (cellWidth - Text.size(of: text).width) / 2
                Text.draw(
                    text, on: &result, x: x, y: top + pictureHeight + 2,
                    color: background < 128 ? .white : .black)
            }
        }
        return result
    }
}
