import Foundation
import Synchronization

/// The bottom line of a terminal, rewritten in place; permanent lines appear above it.
///
/// Where nobody watches (a pipe, a log file) only the permanent lines are written.
public final class LiveLine: Sendable {
    private struct State {
        var shown = ""
        var drawnAt = -Double.infinity
    }

    public let output: ConsoleOutput
    private let state = Mutex(State())
    private let now: @Sendable () -> Double
    private static let secondsBetweenDrawings = 0.1

    /// - Parameter now: seconds of a clock that only goes forward.
    public init(
        _ output: ConsoleOutput = .standardError,
        now: @escaping @Sendable () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        self.output = output
        self.now = now
    }

    deinit { clear() }

    /// Shows a text in the bottom line, at most ten times a second, cut to the terminal's width.
    public func show(_ text: @autoclosure () -> String) {
        guard output.isInteractive else { return }
        state.withLock { state in
            let time = now()
            guard time - state.drawnAt >= Self.secondsBetweenDrawings else { return }
            state.drawnAt = time
            // The last column stays free: some terminals wrap when it is filled.
            let line = TextWidth.truncated(text(), to: output.width - 1)
            guard line != state.shown else { return }
            state.shown = line
            output.write("\r\(line)\u{1B}[K")
        }
    }

    /// Writes a permanent line above the bottom line.
    public func print(_ text: String) {
        state.withLock { state in
            guard !state.shown.isEmpty else { return output.writeLine(text) }
            output.write("\r\u{1B}[K\(text)\n\(state.shown)")
        }
    }

    /// Removes the bottom line.
    public func clear() {
        state.withLock { state in
            if !state.shown.isEmpty { output.write("\r\u{1B}[K") }
            state = State()
        }
    }
}
