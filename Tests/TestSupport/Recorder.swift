import Console
import Synchronization

/// An output that records text, with a manually advanced clock.
package final class Recorder: Sendable {
    package init() {}

    private let state = Mutex((text: "", time: 0.0))

    package var text: String { state.withLock { $0.text } }

    package func output(interactive: Bool = true, colors: Bool = false, width: Int = 80) -> ConsoleOutput {
        ConsoleOutput(isInteractive: interactive, hasColors: colors, width: width) { text in
            self.state.withLock { $0.text += text }
        }
    }

    package var clock: @Sendable () -> Double { { self.state.withLock { $0.time } } }

    package func wait(_ seconds: Double) { state.withLock { $0.time += seconds } }

    /// Returns the text written since the last call.
    package func take() -> String {
        state.withLock { state in
            defer { state.text = "" }
            return state.text
        }
    }
}
