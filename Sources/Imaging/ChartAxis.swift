import Foundation

/// One axis of a chart: a range of values, round ticks on it and their labels.
package struct ChartAxis {
    package struct Tick {
        /// 0...1 along the axis.
        package let position: Double
        package let label: String
    }

    /// Sizes beyond this would overflow the arithmetic.
    static let largest = 1e300

    private let lower: Double
    private let upper: Double
    private let isLogarithmic: Bool
    package let ticks: [Tick]

    /// - Parameters:
    ///   - values: at most ``largest`` in size; above 0 if logarithmic.
    ///   - tightly: whether the axis ends where the values end, instead of at a tick.
    package init(
        _ values: some Sequence<Double>, isLogarithmic: Bool = false, tightly: Bool, about count: Int
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
        // Less than two powers of ten need ticks between them.
        let between = isLogarithmic && high - low < 2
        if !tightly && !between {
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

    /// Where a value lies, 0...1; nil if it cannot be drawn.
    package func position(_ value: Double) -> Double? {
        let value = isLogarithmic ? (value > 0 ? log10(value) : .nan) : value
        return value.isFinite ? (value - lower) / (upper - lower) : nil
    }

    /// 1, 2 or 5 times a power of ten, so that about `count` of them make the range.
    private static func step(_ range: Double, _ count: Int) -> Double {
        let raw = range / Double(max(1, count))
        let power = pow(10, log10(raw).rounded(.down))
        let digit = [1.0, 2, 5, 10].first { raw <= $0 * power * 1.0001 } ?? 10
        return digit * power
    }

    private static func powerLabel(_ power: Double) -> String {
        abs(power) <= 4 ? label(pow(10, power), step: pow(10, power)) : "1e\(Int(power))"
    }

    /// A number with as many decimals as its step needs; large ones in thousands or millions, tiny ones as powers.
    static func label(_ value: Double, step: Double) -> String {
        if abs(value) < step * 1e-6 { return "0" }
        if step < 1e-4 || abs(value) >= 1e12 { return String(format: "%.3g", value) }
        for (unit, name) in [(1e9, "G"), (1e6, "M"), (1e3, "k")]
        where step >= unit / 1000 && abs(value) >= unit {
            // Up to 9,999 is shorter without a unit.
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
