/// Pictures side by side in one.
public struct Grid: Sendable {
    /// Arranges pictures row by row; every cell is as large as the largest picture.
    ///
    /// - Parameters:
    ///   - pictures: at least one; mixed with color, gray becomes RGB. Transparency shows white.
    ///   - columns: nil for a grid about as wide as high.
    ///   - padding: pixels between the cells and around them.
    ///   - background: gray value of the padding and of empty cells.
    ///   - captions: written below the pictures in their order, shortened to the cell's width; "" for none.
    public static func compose(
        _ pictures: [Picture], columns: Int? = nil, padding: Int = 2, background: UInt8 = 255,
        captions: [String]? = nil
    ) -> Picture {
        precondition(!pictures.isEmpty, "a grid of at least one picture")
        precondition(padding >= 0 && (columns ?? 1) > 0, "padding >= 0 and columns >= 1")
        precondition(
            captions.map { $0.count == pictures.count } ?? true, "a caption for each picture (\"\" for none)")
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
