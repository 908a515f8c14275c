import ArgumentParser
import Console
import Foundation

/// Ranges of numbers on the command line.
enum NumberRange {
    /// Threads. A process cannot have any number of threads, and more threads than processors do not compute faster.
    static let threads = 1...max(256, ProcessInfo.processInfo.processorCount)
    /// Pictures of one step or one call of a network.
    static let batch = 1...65_536
    /// Pictures of a source or of an evaluation.
    static let pictures = 1...1_000_000_000
    /// Width or height in pixels.
    static let side = 1...65_536
    /// Durations of measurements in seconds.
    static let seconds = 0.001...86_400

    /// Checks an option; nil is valid.
    /// - Throws: `ValidationError` that states the range.
    static func check(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError(
            "\(name): expected \(Readable.count(range.lowerBound)) to \(Readable.count(range.upperBound)), got \(value)."
        )
    }

    /// Checks an option; nil is valid. NaN is in no range.
    /// - Throws: `ValidationError` that states the range.
    static func check(_ name: String, _ value: Double?, _ range: ClosedRange<Double>) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError(
            "\(name): expected \(text(range.lowerBound)) to \(text(range.upperBound)), got \(value).")
    }

    private static func text(_ value: Double) -> String {
        Int(exactly: value).map { Readable.count($0) } ?? "\(value)"
    }
}
