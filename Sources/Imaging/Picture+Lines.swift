extension Picture {
    /// Draws a line through places, with round ends; a single place makes a dot. Any part may lie outside.
    ///
    /// - Parameters:
    ///   - thickness: pixels.
    ///   - isClosed: whether the line returns to its beginning.
    public mutating func drawLine(
        through places: [PicturePoint], thickness: Double, color: Color, isClosed: Bool = false
    ) {
        precondition(channels == 3, "3 channels expected, got \(channels)")
        guard let first = places.first else { return }
        let ends = places.dropFirst() + (isClosed || places.count == 1 ? [first] : [])
        for (a, b) in zip(places, ends) { drawPiece(from: a, to: b, thickness, color) }
    }

    private mutating func drawPiece(
        from a: PicturePoint, to b: PicturePoint, _ thickness: Double, _ color: Color
    ) {
        let reach = thickness / 2 + 1
        func span(_ a: Double, _ b: Double, _ size: Int) -> Range<Int> {
            let low = min(max(min(a, b) - reach, 0), Double(size))
            let high = min(max((max(a, b) + reach).rounded(.up), low), Double(size))
            return Int(low)..<Int(high)
        }
        let (columns, rows) = (span(a.x, b.x, width), span(a.y, b.y, height))
        guard !columns.isEmpty, !rows.isEmpty else { return }
        let box = PictureBox(
            x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
        guard var part = try? cropped(to: box) else { return }
        func inside(_ place: PicturePoint) -> (x: Float, y: Float) {
            (Float(place.x - Double(box.x)), Float(place.y - Double(box.y)))
        }
        var mask = LineMask(width: box.width, height: box.height)
        mask.add(from: inside(a), to: inside(b), thickness: Float(thickness))
        mask.paint(on: &part, color: color)
        paste(part, x: box.x, y: box.y)
    }
}
