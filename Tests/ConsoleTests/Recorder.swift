import Console
import Synchronization

/// An output that remembers what was written, with a clock that stands still until it is moved.
final class Recorder: Sendable {
    private let state = Mutex((text: "", time: 0.0))

    var text: String { state.withLock { $0.text } }

    func output(interactive: Bool = true, colors: Bool = false, width: Int = 80) -> ConsoleOutput {
        ConsoleOutput(isInteractive: interactive, hasColors: colors, width: width) { text in
            self.state.withLock { $0.text += text }
        }
    }

    var clock: @Sendable () -> Double { { self.state.withLock { $0.time } } }

    func wait(_ seconds: Double) { state.withLock { $0.time += seconds } }

    /// What was written since the last call.
    func take() -> String {
        state.withLock { state in
            defer { state.text = "" }
            return state.text
        }
    }
}
