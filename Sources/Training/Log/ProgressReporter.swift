import Console
import Foundation

/// Progress line of a training run:
///
///     kimg 12.3/100.0    185 img/s  eta 12 min  loss D 1.02 G 1.88  D(real) 0.71  D(fake) 0.22  mem 1.1 GB
///
/// On a terminal, the line is rewritten in place, and a permanent line is printed every minute. Elsewhere a permanent line
/// is printed every 30 seconds.
public final class ProgressReporter {
    /// Group of adjacent values, such as the losses of both networks.
    public struct Group: Sendable {
        /// Label before the values; can be empty.
        public var label: String
        /// Values with their names, in order.
        public var values: [(name: String, value: Double)]

        /// Creates a group.
        public init(_ label: String = "", _ values: [(name: String, value: Double)]) {
            self.label = label
            self.values = values
        }
    }

    private let line: LiveLine
    private let totalImages: Int?
    private let totalSeconds: Double?
    private let memory: () -> Int?
    private let now: () -> Double
    private let startedAt: Double
    private var printedAt: Double?
    private var samples: [(time: Double, images: Int)] = []
    private var last = ""

    private var secondsBetweenLines: Double { line.output.isInteractive ? 60 : 30 }
    private static let secondsBeforeFirstLine = 5.0
    private static let rateWindow = 20.0
    private static let etaWindow = 300.0

    /// Creates a reporter.
    /// - Parameters:
    ///   - totalImages: number of images at which training ends, in all sessions; nil for no limit.
    ///   - totalSeconds: duration of this session in seconds; nil for no limit.
    ///   - output: destination of the lines.
    ///   - memory: returns the memory of the process in bytes; nil if unknown.
    ///   - now: returns the time of a monotonic clock, in seconds.
    public init(
        totalImages: Int?, totalSeconds: Double? = nil, output: ConsoleOutput = .standardError,
        memory: @escaping () -> Int? = { ProcessMemory.resident },
        now: @escaping @Sendable () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        line = LiveLine(output, now: now)
        self.totalImages = totalImages
        self.totalSeconds = totalSeconds
        self.memory = memory
        self.now = now
        startedAt = now()
    }

    /// Images per second over the last 20 seconds; nil before the second update.
    public var imagesPerSecond: Double? { rate(over: Self.rateWindow) }

    /// Estimated seconds until the end of training; nil if unknown.
    public var secondsLeft: Double? {
        var left: [Double] = []
        if let totalSeconds { left.append(max(0, totalSeconds - (now() - startedAt))) }
        if let totalImages, let done = samples.last?.images, let rate = rate(over: Self.etaWindow), rate > 0 {
            left.append(max(0, Double(totalImages - done) / rate))
        }
        return left.min()
    }

    /// Updates the progress line.
    /// - Parameters:
    ///   - images: number of real images so far, in all sessions.
    ///   - groups: losses and other values, in the order of the line.
    public func update(images: Int, _ groups: [Group]) {
        let time = now()
        remember(time, images)
        last = text(images, groups)
        line.show(last)
        let due = printedAt.map { $0 + secondsBetweenLines } ?? startedAt + Self.secondsBeforeFirstLine
        if time >= due {
            printedAt = time
            line.print(last)
        }
    }

    /// Prints a permanent line, such as a note about a checkpoint.
    public func note(_ text: String) { line.print(text) }

    /// Replaces the progress line by a permanent line with the last values.
    public func finish() {
        line.clear()
        if !last.isEmpty { line.print(last) }
        last = ""
    }

    // MARK: Speed

    /// Stores about one sample per second.
    private func remember(_ time: Double, _ images: Int) {
        // After a recovery the number of images is smaller; the rate is measured again.
        samples.removeAll { $0.images > images }
        if samples.count >= 2, time - samples[samples.count - 2].time < 1 { samples.removeLast() }
        samples.append((time, images))
        if let old = samples.firstIndex(where: { time - $0.time <= Self.etaWindow }), old > 1 {
            samples.removeFirst(old - 1)
        }
    }

    private func rate(over window: Double) -> Double? {
        guard let last = samples.last, samples.count >= 2 else { return nil }
        // If updates are further apart than the window, the last two give the rate.
        let first = samples.dropLast().first { last.time - $0.time <= window } ?? samples[samples.count - 2]
        guard last.time > first.time else { return nil }
        return Double(last.images - first.images) / (last.time - first.time)
    }

    // MARK: The line

    private func text(_ images: Int, _ groups: [Group]) -> String {
        let kimg = Readable.fixed(Double(images) / 1000, 1)
        var parts: [String] = []
        if let totalImages {
            let total = Readable.fixed(Double(totalImages) / 1000, 1)
            parts.append("kimg \(TextWidth.padded(kimg, to: total.count, right: true))/\(total)")
        } else {
            parts.append("kimg \(TextWidth.padded(kimg, to: 7, right: true))")
        }
        let rate = imagesPerSecond.map(Readable.rate) ?? "–"
        parts.append("\(TextWidth.padded(rate, to: 5, right: true)) img/s")
        if totalImages != nil || totalSeconds != nil {
            parts.append("eta " + TextWidth.padded(secondsLeft.map(Readable.duration) ?? "–", to: 10))
        }
        for group in groups {
            let values = group.values.map { "\($0.name) \(value($0.value))" }
            parts.append(([group.label] + values).filter { !$0.isEmpty }.joined(separator: " "))
        }
        if let bytes = memory() { parts.append("mem \(Readable.bytes(bytes))") }
        return parts.joined(separator: "  ")
    }

    /// Value padded to four columns, so that positions on the line rarely change.
    private func value(_ value: Double) -> String {
        let text = value.isFinite && abs(value) >= 1000 ? Readable.rate(abs(value)) : Readable.fixed(value, 2)
        let signed = value <= -1000 ? "-" + text : text
        return TextWidth.padded(signed, to: 4, right: true)
    }
}

/// Memory of this process.
public enum ProcessMemory {
    /// Resident memory in bytes; nil on systems without `/proc`.
    public static var resident: Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return nil }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Maximum resident memory so far, in bytes; nil on systems without `/proc`.
    public static var peak: Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("VmHWM:") {
            return line.split(separator: " ").compactMap { Int($0) }.first.map { $0 * 1024 }
        }
        return nil
    }
}
