extension Picture {
    /// Puts a picture of as many channels over this one, its upper left corner at (`x`, `y`); what hangs over is cut.
    public mutating func paste(_ other: Picture, x: Int, y: Int) {
        precondition(other.channels == channels, "\(channels) channels expected, got \(other.channels)")
        let left = max(0, x)
        let right = min(width, x + other.width)
        guard left < right else { return }
        let count = (right - left) * channels
        pixels.withUnsafeMutableBufferPointer { out in
            other.pixels.withUnsafeBufferPointer { source in
                for row in max(0, y)..<max(max(0, y), min(height, y + other.height)) {
                    let to = (row * width + left) * channels
                    let from = ((row - y) * other.width + left - x) * channels
                    for i in 0..<count { out[to + i] = source[from + i] }
                }
            }
        }
    }

    /// Fills a rectangle with one color; what hangs over the edge is cut.
    public mutating func fill(_ box: PictureBox, color: Color) {
        fill(
            x: box.x, y: box.y, width: box.width, height: box.height,
            values: color.values(channels: channels))
    }

    mutating func fill(x: Int, y: Int, width: Int, height: Int, values: [UInt8]) {
        let columns = max(0, x)..<max(max(0, x), min(self.width, x + width))
        let rows = max(0, y)..<max(max(0, y), min(self.height, y + height))
        for row in rows {
            for column in columns {
                let i = (row * self.width + column) * channels
                for c in 0..<channels { pixels[i + c] = values[c] }
            }
        }
    }
}
