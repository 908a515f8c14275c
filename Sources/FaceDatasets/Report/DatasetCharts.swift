import Imaging

/// Charts of a data set: frequencies of the attributes as bars, and histograms.
enum DatasetCharts {
    private static let width = 960
    private static let (margin, rowHeight, labelWidth, valueWidth) = (16, 22, 240, 130)
    private static let ink = Color(gray: 40)
    private static let faint = Color(gray: 228)
    private static let generated = Color(red: 0x00, green: 0x72, blue: 0xB2)
    private static let photographs = Color(red: 0xE6, green: 0x9F, blue: 0x00)

    /// All charts below each other.
    static func render(_ summary: FaceDatasetSummary, _ histograms: FaceDatasetHistograms) -> Picture {
        var panels = [attributes(summary.frequencies)]
        if !histograms.other.isEmpty {
            var sets = [Series("different persons", histograms.other, photographs)]
            if !histograms.same.isEmpty {
                sets.insert(Series("one person", histograms.same, generated), at: 0)
            }
            panels.append(histogram("Cosine of identity embeddings", sets))
        }
        if !histograms.distances.isEmpty {
            panels.append(
                histogram(
                    "Distance to the nearest training photograph",
                    [Series("generated faces", histograms.distances, generated)], limit: summary.copyLimit))
        }
        if !histograms.scores.isEmpty {
            panels.append(
                histogram(
                    "Confidence of the face detector",
                    [Series("generated faces", histograms.scores, generated)]))
        }
        var picture = Picture(
            width: width, height: panels.reduce(0) { $0 + $1.height }, channels: 3, filledWith: 255)
        var top = 0
        for panel in panels {
            picture.paste(panel, x: 0, y: top)
            top += panel.height
        }
        return picture
    }

    /// Horizontal bars: the fraction of the pictures that have each attribute.
    private static func attributes(_ frequencies: [FaceDatasetSummary.Frequency]) -> Picture {
        let hasPhotographs = frequencies.contains { $0.photographs != nil }
        let top = 3 * margin + 2 * Text.lineHeight
        let height = top + rowHeight * frequencies.count + 2 * margin
        var picture = Picture(width: width, height: height, channels: 3, filledWith: 255)
        title("Pictures with each attribute", on: &picture)
        var entries = [("generated faces", generated)]
        if hasPhotographs { entries.append(("photographs", photographs)) }
        legend(entries, on: &picture)
        let (left, length) = (labelWidth + margin, width - labelWidth - valueWidth - 2 * margin)
        for tick in 0...4 {
            let x = left + length * tick / 4
            picture.fill(
                PictureBox(x: x, y: top, width: 1, height: rowHeight * frequencies.count), color: faint)
            let text = "\(25 * tick) %"
            Text.draw(
                text, on: &picture, x: x - Text.size(of: text, scale: 2).width / 2,
                y: top + rowHeight * frequencies.count + 4, color: ink, scale: 2)
        }
        for (row, frequency) in frequencies.enumerated() {
            let y = top + rowHeight * row
            let name = Text.size(of: frequency.name, scale: 2).width
            Text.draw(
                frequency.name, on: &picture, x: max(2, labelWidth - name), y: y + 4, color: ink, scale: 2)
            func bar(_ value: Double, _ place: Int, _ thickness: Int, _ color: Color) {
                let size = Int((min(1, max(0, value)) * Double(length)).rounded())
                guard size > 0 else { return }
                picture.fill(
                    PictureBox(x: left, y: y + place, width: size, height: thickness), color: color)
            }
            var values = percent(frequency.generated)
            if let other = frequency.photographs {
                bar(frequency.generated, 3, 8, generated)
                bar(other, 11, 8, photographs)
                values += " " + percent(other)
            } else {
                bar(frequency.generated, 4, 14, generated)
            }
            Text.draw(values, on: &picture, x: left + length + 12, y: y + 4, color: ink, scale: 2)
        }
        return picture
    }

    /// A set of values with its name and color.
    private struct Series {
        let name: String
        let values: [Double]
        let color: Color

        init(_ name: String, _ values: [Double], _ color: Color) {
            (self.name, self.values, self.color) = (name, values, color)
        }
    }

    /// Histogram of one or two sets of values, each scaled to its number of values.
    private static func histogram(_ name: String, _ sets: [Series], limit: Double? = nil) -> Picture {
        let (height, bins) = (300, 80)
        let gray = Color(gray: 90)
        var picture = Picture(width: width, height: height, channels: 3, filledWith: 255)
        title(name, on: &picture)
        var entries = sets.map { ($0.name, $0.color) }
        if limit != nil { entries.append(("limit for copies", gray)) }
        legend(entries, on: &picture)
        let all = sets.flatMap(\.values) + [limit].compactMap(\.self)
        let axis = ChartAxis(all, isTight: true, tickCount: 8)
        let (left, length) = (3 * margin, width - 6 * margin)
        let (top, bottom) = (3 * margin + 2 * Text.lineHeight, height - 3 * margin)
        var heights: [[Double]] = []
        for set in sets {
            var counts = [Double](repeating: 0, count: bins)
            for value in set.values {
                guard let position = axis.position(value) else { continue }
                counts[min(bins - 1, max(0, Int(position * Double(bins))))] += 1 / Double(set.values.count)
            }
            heights.append(counts)
        }
        let largest = max(heights.joined().max() ?? 0, 1e-12)
        for (counts, set) in zip(heights, sets) {
            for (bin, share) in counts.enumerated() where share > 0 {
                let size = max(1, Int((share / largest * Double(bottom - top)).rounded()))
                let (from, to) = (left + length * bin / bins, left + length * (bin + 1) / bins)
                // Bars of two sets are beside each other.
                let offset = sets.count == 2 && set.name == sets[1].name ? (to - from) / 2 : 0
                let thickness = max(1, (to - from - 1) / sets.count)
                picture.fill(
                    PictureBox(x: from + offset, y: bottom - size, width: thickness, height: size),
                    color: set.color)
            }
        }
        picture.fill(PictureBox(x: left, y: bottom, width: length, height: 2), color: ink)
        for tick in axis.ticks {
            let x = left + Int((tick.position * Double(length)).rounded())
            picture.fill(PictureBox(x: x, y: bottom, width: 2, height: 6), color: ink)
            let size = Text.size(of: tick.label, scale: 2)
            Text.draw(
                tick.label, on: &picture, x: x - size.width / 2, y: bottom + 12, color: ink, scale: 2)
        }
        if let limit, let position = axis.position(limit) {
            let x = left + Int((position * Double(length)).rounded())
            picture.fill(PictureBox(x: x, y: top, width: 2, height: bottom - top), color: gray)
        }
        return picture
    }

    private static func title(_ text: String, on picture: inout Picture) {
        let size = Text.size(of: text, scale: 2)
        Text.draw(text, on: &picture, x: (width - size.width) / 2, y: margin, color: .black, scale: 2)
    }

    private static func legend(_ entries: [(String, Color)], on picture: inout Picture) {
        let y = margin + 2 * Text.lineHeight + 6
        var x = 3 * margin
        for (name, color) in entries {
            picture.fill(PictureBox(x: x, y: y + 3, width: 24, height: 8), color: color)
            Text.draw(name, on: &picture, x: x + 32, y: y, color: ink, scale: 2)
            x += 64 + Text.size(of: name, scale: 2).width
        }
    }

    private static func percent(_ fraction: Double) -> String {
        JSONText.number((1000 * fraction).rounded() / 10, decimals: 1)
    }
}
