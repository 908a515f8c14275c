import Foundation

/// Formatting of quantities for display.
public enum Readable {
    /// Formats a duration: `0.4 s`, `12 s`, `4 min 05 s`, `12 min`, `1 h 04 min`, `2 d 03 h`; `?` for invalid values.
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e10 else { return "?" }
        if seconds < 0.95 { return "\(fixed(seconds, 1)) s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
        let minutes = Int((seconds / 60).rounded())
        if minutes < 60 { return "\(minutes) min" }
        if minutes < 24 * 60 { return "\(minutes / 60) h \(twoDigits(minutes % 60)) min" }
        let hours = Int((seconds / 3600).rounded())
        return "\(hours / 24) d \(twoDigits(hours % 24)) h"
    }

    /// Formats a size in decimal units with two or three digits: `512 B`, `1.1 GB`.
    public static func bytes(_ count: Int) -> String {
        guard count >= 1000 else { return "\(count) B" }
        var value = Double(count) / 1000
        var units = ["kB", "MB", "GB", "TB", "PB", "EB"][...]
        while value >= 999.5, units.count > 1 {
            value /= 1000
            units.removeFirst()
        }
        return "\(value < 9.95 ? fixed(value, 1) : fixed(value, 0)) \(units.first ?? "")"
    }

    /// Formats an integer with thousands separators: `202,599`.
    public static func count(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var out = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out += "," }
            out.append(digit)
        }
        return number < 0 ? "-" + out : out
    }

    /// Formats a count with its noun: `1 file`, `3 files`.
    public static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
        "\(count(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    /// Formats a rate with two or three digits: `0.52`, `9.4`, `185`, `12,300`.
    public static func rate(_ perSecond: Double) -> String {
        guard perSecond.isFinite, perSecond >= 0, perSecond < 1e15 else { return "?" }
        if perSecond < 0.995 { return fixed(perSecond, 2) }
        if perSecond < 9.95 { return fixed(perSecond, 1) }
        return count(Int(perSecond.rounded()))
    }

    /// Formats a number with a fixed number of decimals, independent of the locale.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        return String(format: "%.\(decimals)f", value)
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
}
