extension Chart {
    private struct Frame {
        let left: Int
        let top: Int
        let width: Int
        let height: Int
        var right: Int { left + width }
        var bottom: Int { top + height }
    }

    private static let ink = Color(gray: 40)
    private static let faint = Color(gray: 228)

    /// Renders the chart as an RGB picture on white. The size must be at least 240x160.
    public func render() -> Picture {
        precondition(
            width >= 240 && height >= 160,
            "Chart: expected a size of at least 240x160, got \(width)x\(height)")
        var picture = Picture(width: width, height: height, channels: 3, filledWith: 255)
        // Small charts use a smaller font.
        let scale = width >= 640 ? 2 : 1
        let drawable = series.map { line in line.points.filter { isDrawable($0) } }
        let y = ChartAxis(
            drawable.joined().lazy.map(\.y), isLogarithmic: isLogarithmic, isTight: false,
            tickCount: height / (45 * scale))
        let labels = y.ticks.map { Text.size(of: $0.label, scale: scale).width }.max() ?? 0
        let line = Text.lineHeight * scale
        let left = 8 * scale + labels
        let heading = yLabel.isEmpty && legend.isEmpty ? 0 : line
        let top = (title.isEmpty ? 0 : line) + heading + 7 * scale
        let frame = Frame(
            left: left, top: top, width: width - left - 14 * scale,
            height: height - top - line - (xLabel.isEmpty ? 0 : line) - 8 * scale)
        let x = ChartAxis(
            drawable.joined().lazy.map(\.x), isTight: true, tickCount: frame.width / (60 * scale))

        drawAxes(x, y, frame, scale, on: &picture)
        let lines = series.enumerated().map { ($0.element, Self.colors[$0.offset % Self.colors.count]) }
        for (line, color) in lines where line.smoothing > 0 {
            mask(line.points, x, y, frame, thickness: 1).paint(on: &picture, color: color, opacity: 0.3)
        }
        let thickness: Float = scale == 1 ? 1.2 : 1.7
        for (line, color) in lines {
            let points = line.smoothing > 0 ? smoothed(line) : line.points
            mask(points, x, y, frame, thickness: thickness).paint(on: &picture, color: color)
        }
        drawLegend(frame, scale, on: &picture)
        return picture
    }

    /// Named series. A single series has no entry if the chart has a title.
    private var legend: [(offset: Int, name: String)] {
        guard series.count > 1 || title.isEmpty else { return [] }
        return series.enumerated().filter { !$0.element.name.isEmpty }.map { ($0.offset, $0.element.name) }
    }

    private func isDrawable(_ point: Point) -> Bool {
        abs(point.x) <= ChartAxis.largest && abs(point.y) <= ChartAxis.largest
            && (!isLogarithmic || point.y > 0)
    }

    private func drawAxes(
        _ x: ChartAxis, _ y: ChartAxis, _ frame: Frame, _ scale: Int, on picture: inout Picture
    ) {
        func bar(_ x: Int, _ y: Int, _ width: Int, _ height: Int, _ color: Color) {
            picture.fill(PictureBox(x: x, y: y, width: width, height: height), color: color)
        }
        for tick in y.ticks {
            let at = frame.bottom - Int((tick.position * Double(frame.height)).rounded())
            bar(frame.left, at, frame.width, 1, Self.faint)
            let size = Text.size(of: tick.label, scale: scale)
            Text.draw(
                tick.label, on: &picture, x: frame.left - 4 * scale - size.width, y: at - 7 * scale / 2,
                color: Self.ink, scale: scale)
        }
        for tick in x.ticks {
            let at = frame.left + Int((tick.position * Double(frame.width)).rounded())
            bar(at, frame.top, 1, frame.height, Self.faint)
            bar(at, frame.bottom, 1, 3 * scale, Self.ink)
            let size = Text.size(of: tick.label, scale: scale)
            Text.draw(
                tick.label, on: &picture, x: min(at - size.width / 2, width - size.width - 2),
                y: frame.bottom + 5 * scale, color: Self.ink, scale: scale)
        }
        bar(frame.left, frame.top, 1, frame.height, Self.ink)
        bar(frame.left, frame.bottom, frame.width + 1, 1, Self.ink)

        let line = Text.lineHeight * scale
        let titleSize = Text.size(of: title, scale: scale)
        Text.draw(
            title, on: &picture, x: max(2, (width - titleSize.width) / 2), y: 3 * scale, color: .black,
            scale: scale)
        Text.draw(
            yLabel, on: &picture, x: 3 * scale, y: 3 * scale + (title.isEmpty ? 0 : line), color: Self.ink,
            scale: scale)
        let xSize = Text.size(of: xLabel, scale: scale)
        Text.draw(
            xLabel, on: &picture, x: frame.left + (frame.width - xSize.width) / 2, y: height - line - scale,
            color: Self.ink, scale: scale)
    }

    private func mask(
        _ points: [Point], _ x: ChartAxis, _ y: ChartAxis, _ frame: Frame, thickness: Float
    ) -> LineMask {
        var mask = LineMask(width: width, height: height)
        var previous: (x: Float, y: Float)?
        var isIsolated = false
        // An isolated value is drawn as a dot.
        func finishSegment() {
            if isIsolated, let previous { mask.add(from: previous, to: previous, thickness: thickness * 2.5) }
        }
        for point in points {
            guard let across = x.position(point.x), let up = y.position(point.y) else {
                finishSegment()
                previous = nil
                continue
            }
            let here = (
                x: Float(Double(frame.left) + across * Double(frame.width)) + 0.5,
                y: Float(Double(frame.bottom) - up * Double(frame.height)) + 0.5
            )
            if let previous { mask.add(from: previous, to: here, thickness: thickness) }
            isIsolated = previous == nil
            previous = here
        }
        finishSegment()
        return mask
    }

    /// Exponential moving average with bias correction.
    private func smoothed(_ line: Series) -> [Point] {
        let keep = 1 - 1 / max(1, line.smoothing)
        var (sum, weight) = (0.0, 0.0)
        return line.points.map { point in
            guard isDrawable(point) else { return point }
            sum = keep * sum + (1 - keep) * point.y
            weight = keep * weight + (1 - keep)
            return Point(x: point.x, y: sum / weight)
        }
    }

    /// Draws the legend directly above the frame, where it cannot cover a line.
    private func drawLegend(_ frame: Frame, _ scale: Int, on picture: inout Picture) {
        guard !legend.isEmpty else { return }
        let sample = 14 * scale
        let gap = 6 * scale
        // Names share the space beside the label of y. Long names are truncated.
        let available = frame.right - 3 * scale - Text.size(of: yLabel, scale: scale).width - 2 * gap
        let longest = available / legend.count - sample - 2 * gap
        var right = frame.right
        for (offset, name) in legend.reversed() {
            let text = Text.fitted(name, width: longest, scale: scale)
            let y = frame.top - Text.lineHeight * scale - scale
            right -= Text.size(of: text, scale: scale).width
            Text.draw(text, on: &picture, x: right, y: y, color: Self.ink, scale: scale)
            right -= gap + sample
            picture.fill(
                PictureBox(x: right, y: y + 3 * scale, width: sample, height: 2 * scale),
                color: Self.colors[offset % Self.colors.count])
            right -= 2 * gap
        }
    }
}
