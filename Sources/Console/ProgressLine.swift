import Foundation
import Synchronization

/// Progress display of a countable task: `packing  12,300/202,599  6 %  4,100 pictures/s  46 s left`.
///
/// On a terminal, the line is rewritten in place and removed at the end. Otherwise, a line is written every ten
/// seconds. It can be used from several threads.
public final class ProgressLine: Sendable {
    /// The counted unit.
    public enum Unit: Sendable, Equatable {
        /// Items with a plural name, such as `pictures`.
        case things(String)
        /// Bytes.
        case bytes
    }

    private struct State {
        var done = 0
        var total: Int?
        var note = ""
        var printedAt: Double
    }

    private let line: LiveLine
    private let label: String
    private let unit: Unit
    private let startedAt: Double
    private let first: Int
    private let now: @Sendable () -> Double
    private let state: Mutex<State>
    private static let secondsBetweenPlainLines = 10.0

    /// Creates a progress display.
    /// - Parameters:
    ///   - label: text at the beginning of the line.
    ///   - total: total count; nil if unknown.
    ///   - unit: the counted unit.
    ///   - first: count at the start, so that the speed of a resumed download is correct.
    ///   - output: destination of the line.
    ///   - now: monotonic clock in seconds.
    public init(
        _ label: String, total: Int?, unit: Unit, startingAt first: Int = 0,
        output: ConsoleOutput = .standardError,
        now: @escaping @Sendable () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        self.label = label
        self.unit = unit
        self.first = first
        self.now = now
        line = LiveLine(output, now: now)
        startedAt = now()
        state = Mutex(State(done: first, total: total, printedAt: now()))
    }

    /// Updates the count and, optionally, the total and a note.
    public func update(_ done: Int, total: Int? = nil, note: String = "") {
        let plain: String? = state.withLock { state in
            state.done = done
            if let total { state.total = total }
            state.note = note
            guard !line.output.isInteractive, now() - state.printedAt >= Self.secondsBetweenPlainLines else {
                return nil
            }
            state.printedAt = now()
            return text(state)
        }
        if let plain { line.print(plain) }
        line.show(state.withLock { text($0) })
    }

    /// Writes a permanent line, such as a warning, above the progress.
    public func print(_ text: String) { line.print(text) }

    /// Removes the progress and, optionally, writes a permanent line.
    public func finish(_ text: String? = nil) {
        line.clear()
        if let text { line.print(text) }
    }

    private func text(_ state: State) -> String {
        let done = state.done
        let seconds = now() - startedAt
        let speed = seconds > 0 ? Double(done - first) / seconds : 0
        var parts = [label]
        func amount(_ count: Int) -> String { unit == .bytes ? Readable.bytes(count) : Readable.count(count) }
        if let total = state.total, total > 0 {
            let width = TextWidth.columns(amount(total))
            parts.append("\(TextWidth.padded(amount(done), to: width, right: true))/\(amount(total))")
            parts.append(TextWidth.padded("\(Int(100 * Double(done) / Double(total))) %", to: 5, right: true))
        } else {
            parts.append(amount(done))
        }
        if speed > 0 {
            switch unit {
            case .bytes: parts.append("\(Readable.bytes(Int(speed)))/s")
            case .things(let name): parts.append("\(Readable.rate(speed)) \(name)/s")
            }
            if let total = state.total, seconds >= 1, done < total {
                parts.append("\(Readable.duration(Double(total - done) / speed)) left")
            }
        }
        if !state.note.isEmpty { parts.append(state.note) }
        return parts.joined(separator: "  ")
    }
}

/// The bottom line of a terminal, rewritten in place. Permanent lines are written above it.
///
/// If the output is not a terminal, only the permanent lines are written.
public final class LiveLine: Sendable {
    private struct State {
        var shown = ""
        var drawnAt = -Double.infinity
    }

    /// Destination of the line.
    public let output: ConsoleOutput
    private let state = Mutex(State())
    private let now: @Sendable () -> Double
    private static let secondsBetweenDrawings = 0.1

    /// Creates a line.
    /// - Parameters:
    ///   - output: destination of the line.
    ///   - now: monotonic clock in seconds.
    public init(
        _ output: ConsoleOutput = .standardError,
        now: @escaping @Sendable () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        self.output = output
        self.now = now
    }

    deinit { clear() }

    /// Shows text in the bottom line, at most ten times per second, truncated to the width of the terminal.
    public func show(_ text: @autoclosure () -> String) {
        guard output.isInteractive else { return }
        state.withLock { state in
            let time = now()
            guard time - state.drawnAt >= Self.secondsBetweenDrawings else { return }
            state.drawnAt = time
            // The last column is not used, because some terminals wrap when it is filled.
            let line = TextWidth.truncated(ConsoleText.printableLine(text()), to: output.width - 1)
            guard line != state.shown else { return }
            state.shown = line
            output.writeControl("\r\(line)\u{1B}[K")
        }
    }

    /// Writes a permanent line above the bottom line.
    public func print(_ text: String) {
        state.withLock { state in
            guard !state.shown.isEmpty else { return output.writeLine(text) }
            let text = ConsoleText.encoded(text, hasColors: output.hasColors)
            output.writeControl("\r\u{1B}[K\(text)\n\(state.shown)")
        }
    }

    /// Removes the bottom line.
    public func clear() {
        state.withLock { state in
            if !state.shown.isEmpty { output.writeControl("\r\u{1B}[K") }
            state = State()
        }
    }
}
