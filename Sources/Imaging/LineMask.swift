/// How much of each pixel a line covers, 0...1: drawn once per line, so that joints do not darken.
struct LineMask {
    private let width: Int
    private let height: Int
    private var coverage: [Float]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        coverage = [Float](repeating: 0, count: width * height)
    }

    /// Adds a straight piece with round ends, between points in pixels (centers at .5).
    mutating func add(from a: (x: Float, y: Float), to b: (x: Float, y: Float), thickness: Float) {
        let reach = thickness / 2 + 0.5
        let columns = clamp(min(a.x, b.x) - reach, max(a.x, b.x) + reach, width)
        let rows = clamp(min(a.y, b.y) - reach, max(a.y, b.y) + reach, height)
        let (dx, dy) = (b.x - a.x, b.y - a.y)
        let lengthSquared = max(dx * dx + dy * dy, 1e-12)
        for y in rows {
            for x in columns {
                let (px, py) = (Float(x) + 0.5 - a.x, Float(y) + 0.5 - a.y)
                let along = min(max((px * dx + py * dy) / lengthSquared, 0), 1)
                let (ex, ey) = (px - along * dx, py - along * dy)
                let covered = min(1, reach - (ex * ex + ey * ey).squareRoot())
                if covered > coverage[y * width + x] { coverage[y * width + x] = covered }
            }
        }
    }

    private func clamp(_ low: Float, _ high: Float, _ size: Int) -> Range<Int> {
        // Far outside, conversions to integers would trap.
        let from = Int(min(max(low.rounded(.down), 0), Float(size)))
        let to = Int(min(max(high.rounded(.up), 0), Float(size)))
        return from..<max(from, to)
    }

    /// Paints the line on an RGB picture of the same size.
    func paint(on picture: inout Picture, color: Color, opacity: Float = 1) {
        let values = color.values(channels: 3).map { Float($0) }
        for (i, covered) in coverage.enumerated() where covered > 0 {
            for c in 0..<3 {
                let old = Float(picture.pixels[3 * i + c])
                picture.pixels[3 * i + c] = UInt8(old + (values[c] - old) * covered * opacity + 0.5)
            }
        }
    }
}
