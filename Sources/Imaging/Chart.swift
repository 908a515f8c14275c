import Foundation

/// A line chart, for example of the losses of a training run, rendered as a picture.
public struct Chart: Sendable {
    /// A line of a chart.
    public struct Series: Sendable {
        /// Name in the legend. Only ASCII is supported by the built-in font.
        public var name: String
        /// Points in order of x. A value that is not finite interrupts the line.
        public var points: [Point]
        /// Time constant of smoothing in points; 0 for none. A smoothed line, the exponential moving average, is
        /// drawn over a faint line of the values.
        public var smoothing: Double

        /// Creates a series from points.
        public init(name: String, points: [Point], smoothing: Double = 0) {
            self.name = name
            self.points = points
            self.smoothing = smoothing
        }

        /// Creates a series with the x values 0, 1, 2 ...
        public init(name: String, values: [Double], smoothing: Double = 0) {
            self.init(
                name: name, points: values.enumerated().map { Point(x: Double($0), y: $1) },
                smoothing: smoothing)
        }
    }

    /// A point of a series.
    public struct Point: Sendable, Equatable {
        /// Horizontal value.
        public var x: Double
        /// Vertical value.
        public var y: Double

        /// Creates a point.
        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// Title above the chart; empty for none.
    public var title: String
    /// Label of the horizontal axis; empty for none.
    public var xLabel: String
    /// Label of the vertical axis; empty for none.
    public var yLabel: String
    /// The lines.
    public var series: [Series]
    /// Whether the y axis is logarithmic. Values of 0 or less are then omitted.
    public var isLogarithmic: Bool
    /// Width in pixels, at least 240. The default is 960.
    public var width: Int
    /// Height in pixels, at least 160. The default is 540.
    public var height: Int

    /// Creates a chart.
    public init(
        title: String = "", xLabel: String = "", yLabel: String = "", series: [Series] = [],
        isLogarithmic: Bool = false, width: Int = 960, height: Int = 540
    ) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.series = series
        self.isLogarithmic = isLogarithmic
        self.width = width
        self.height = height
    }

    /// Colors of the lines in order, distinguishable with color vision deficiencies.
    static let colors = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x595959].map {
        Color($0)
    }
}

/// An axis of a chart: the range of values, ticks at round values and their labels.
package struct ChartAxis {
    /// A tick of an axis.
    package struct Tick {
        /// Position along the axis, 0...1.
        package let position: Double
        /// Text next to the tick.
        package let label: String
    }

    /// Largest supported magnitude; larger values would overflow.
    static let largest = 1e300

    private let lower: Double
    private let upper: Double
    private let isLogarithmic: Bool
    /// Ticks in ascending order.
    package let ticks: [Tick]

    /// Creates an axis for values.
    /// - Parameters:
    ///   - values: magnitudes of at most ``largest``; positive if logarithmic.
    ///   - isLogarithmic: whether the axis is logarithmic.
    ///   - isTight: whether the axis ends at the extreme values instead of at ticks.
    ///   - count: approximate number of ticks.
    package init(
        _ values: some Sequence<Double>, isLogarithmic: Bool = false, isTight: Bool, tickCount count: Int
    ) {
        self.isLogarithmic = isLogarithmic
        var range: (Double, Double)?
        for value in values {
            let value = isLogarithmic ? log10(value) : value
            range = (min(range?.0 ?? value, value), max(range?.1 ?? value, value))
        }
        var (low, high) = range ?? (0, 1)
        if !(high - low > max(abs(high) * 1e-9, 1e-290)) {
            let margin = abs(low) < 1e-200 || isLogarithmic ? 0.5 : abs(low) / 2
            (low, high) = (low - margin, high + margin)
        }
        let step =
            isLogarithmic ? max(1, ((high - low) / Double(count)).rounded()) : Self.step(high - low, count)
        // A range below two powers of ten needs intermediate ticks.
        let between = isLogarithmic && high - low < 2
        if !isTight && !between {
            low = (low / step + 1e-9).rounded(.down) * step
            high = (high / step - 1e-9).rounded(.up) * step
        }
        (lower, upper) = (low, high)
        var found: [(value: Double, label: String)] = []
        let first = (low / step - 1e-9).rounded(.up)
        let last = (high / step + 1e-9).rounded(.down)
        if between {
            for power in Int(low.rounded(.down))...Int(high.rounded(.up)) {
                for digit in [1.0, 2, 3, 5, 7] {
                    let value = log10(digit) + Double(power)
                    if value >= low - 1e-9 && value <= high + 1e-9 {
                        found.append(
                            (value, Self.label(digit * pow(10, Double(power)), step: pow(10, Double(power)))))
                    }
                }
            }
        } else if last >= first {
            for i in 0...Int(last - first) {
                let value = (first + Double(i)) * step
                found.append(
                    (value, isLogarithmic ? Self.powerLabel(value) : Self.label(value, step: step)))
            }
        }
        let span = high - low
        ticks = found.map { Tick(position: ($0.value - low) / span, label: $0.label) }
    }

    /// Position of a value, 0...1 inside the range; nil if it cannot be drawn.
    package func position(_ value: Double) -> Double? {
        let value = isLogarithmic ? (value > 0 ? log10(value) : .nan) : value
        return value.isFinite ? (value - lower) / (upper - lower) : nil
    }

    /// 1, 2 or 5 times a power of ten, so that about `count` steps cover the range.
    private static func step(_ range: Double, _ count: Int) -> Double {
        let raw = range / Double(max(1, count))
        let power = pow(10, log10(raw).rounded(.down))
        let digit = [1.0, 2, 5, 10].first { raw <= $0 * power * 1.0001 } ?? 10
        return digit * power
    }

    private static func powerLabel(_ power: Double) -> String {
        abs(power) <= 4 ? label(pow(10, power), step: pow(10, power)) : "1e\(Int(power))"
    }

    /// A number with the decimals required by its step. Large numbers use the suffixes k, M and G, small ones
    /// exponents.
    static func label(_ value: Double, step: Double) -> String {
        if abs(value) < step * 1e-6 { return "0" }
        if step < 1e-4 || abs(value) >= 1e12 { return String(format: "%.3g", value) }
        for (unit, name) in [(1e9, "G"), (1e6, "M"), (1e3, "k")]
        where step >= unit / 1000 && abs(value) >= unit {
            // Numbers up to 9,999 are shorter without a suffix.
            if unit == 1e3 && abs(value) < 1e4 && step >= 1 { break }
            return trimmed(value / unit, decimals: decimals(step / unit)) + name
        }
        return trimmed(value, decimals: decimals(step))
    }

    private static func decimals(_ step: Double) -> Int { max(0, Int((-log10(step) - 1e-9).rounded(.up))) }

    private static func trimmed(_ value: Double, decimals: Int) -> String {
        String(format: "%.\(decimals)f", value)
    }
}

/// Coverage of each pixel by a line, 0...1. A line is painted at once, so joints are not darker.
struct LineMask {
    private let width: Int
    private let height: Int
    private var coverage: [Float]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        coverage = [Float](repeating: 0, count: width * height)
    }

    /// Adds a segment with round ends between two points in pixels. Pixel centers have half-integer coordinates.
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
        // Limits values before the conversion to integers, which traps on overflow.
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
