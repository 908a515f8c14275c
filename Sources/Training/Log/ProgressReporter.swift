import Console
import Foundation

/// The progress line of a training run:
///
///     kimg 12.3/100.0    185 img/s  eta 12 min  loss D 1.02 G 1.88  D(real) 0.71  D(fake) 0.22  mem 1.1 GB
///
/// On a terminal it is rewritten in place and leaves a permanent line now and then; elsewhere only those appear.
public final class ProgressReporter {
    /// Values that stand together, such as the losses of both networks.
    public struct Group: Sendable {
        /// What stands before the values; may be empty.
        public var label: String
        public var values: [(name: String, value: Double)]

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

    /// - Parameters:
    ///   - totalImages: images at which training ends, all sessions counted; nil without such an end.
    ///   - totalSeconds: seconds after which this session ends; nil without such an end.
    ///   - now: seconds of a clock that only goes forward.
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

    /// Images per second over the last 20 seconds; nil before two updates.
    public var imagesPerSecond: Double? { rate(over: Self.rateWindow) }

    /// Seconds until training ends; nil while that cannot be said.
    public var secondsLeft: Double? {
        var left: [Double] = []
        if let totalSeconds { left.append(max(0, totalSeconds - (now() - startedAt))) }
        if let totalImages, let done = samples.last?.images, let rate = rate(over: Self.etaWindow), rate > 0 {
            left.append(max(0, Double(totalImages - done) / rate))
        }
        return left.min()
    }

    /// Says how far training is.
    ///
    /// - Parameters:
    ///   - images: real images shown so far, all sessions counted.
    ///   - groups: losses and the like, in the order of the line.
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

    /// Writes a permanent line, such as that a checkpoint was saved.
    public func note(_ text: String) { line.print(text) }

    /// Replaces the rewritten line by a permanent one with the last values.
    public func finish() {
        line.clear()
        if !last.isEmpty { line.print(last) }
        last = ""
    }

    // MARK: Speed

    /// Keeps about one sample a second.
    private func remember(_ time: Double, _ images: Int) {
        // A run that went back is measured anew.
        samples.removeAll { $0.images > images }
        if samples.count >= 2, time - samples[samples.count - 2].time < 1 { samples.removeLast() }
        samples.append((time, images))
        if let old = samples.firstIndex(where: { time - $0.time <= Self.etaWindow }), old > 1 {
            samples.removeFirst(old - 1)
        }
    }

    private func rate(over window: Double) -> Double? {
        guard let last = samples.last, samples.count >= 2 else { return nil }
        // Updates that are further apart than the window still tell a rate.
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

    /// Four columns for what is usual, so that the line stands still.
    private func value(_ value: Double) -> String {
        let text = value.isFinite && abs(value) >= 1000 ? Readable.rate(abs(value)) : Readable.fixed(value, 2)
        let signed = value <= -1000 ? "-" + text : text
        return TextWidth.padded(signed, to: 4, right: true)
    }
}
