extension Picture {
    /// Puts a picture of as many channels over this one, its upper left corner at (`x`, `y`); what hangs over is cut.
    public mutating func paste(_ other: Picture, x: Int, y: Int) {
        precondition(other.channels == channels, "\(channels) channels expected, got \(other.channels)")
        let left = max(0, x)
        let right = min(width, x + other.width)
        guard left < right else { return }
        let count = (right - left) * channels
        for row in max(0, y)..<max(max(0, y), min(height, y + other.height)) {
            let to = (row * width + left) * channels
            let from = ((row - y) * other.width + left - x) * channels
            pixels.withUnsafeMutableBufferPointer { out in
                other.pixels.withUnsafeBufferPointer { source in
                    for i in 0..<count { out[to + i] = source[from + i] }
                }
            }
        }
    }
}
