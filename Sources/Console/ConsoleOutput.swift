import Foundation

/// A stream of the terminal and what it can show.
public struct ConsoleOutput: Sendable {
    /// A terminal that a person watches: lines may be rewritten in place.
    public let isInteractive: Bool
    /// Whether `styled` adds colors: on a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    public let hasColors: Bool
    private let measure: @Sendable () -> Int
    private let sink: @Sendable (String) -> Void

    /// Text for programs and pipes.
    public static let standardOutput = ConsoleOutput(descriptor: 1)
    /// Progress and problems.
    public static let standardError = ConsoleOutput(descriptor: 2)

    /// An output of one's own, such as a test's.
    public init(
        isInteractive: Bool, hasColors: Bool, width: Int, write: @escaping @Sendable (String) -> Void
    ) {
        self.isInteractive = isInteractive
        self.hasColors = hasColors
        measure = { width }
        sink = write
    }

    private init(descriptor: Int32) {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
        isInteractive = isTerminal
        hasColors = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
        measure = {
            var size = winsize()
            guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
            return Int(size.ws_col)
        }
        sink = { writeAll($0, to: descriptor) }
    }

    /// Columns of the terminal; 80 where there is none.
    public var width: Int { measure() }

    /// Writes at once, unbuffered.
    public func write(_ text: String) { sink(text) }

    /// Writes a line.
    public func writeLine(_ text: String = "") { sink(text + "\n") }

    /// Text in a style, or as it is where there are no colors.
    public func styled(_ text: String, _ style: ConsoleStyle) -> String {
        hasColors ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// How a piece of text looks on a terminal.
public enum ConsoleStyle: Int, Sendable {
    case bold = 1
    case dim = 2
    case red = 31
    case green = 32
    case yellow = 33
    case cyan = 36
}

private func writeAll(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        // A closed pipe or a full disk must not stop a training run.
        guard written > 0 || errno == EINTR else { return }
        bytes = bytes.dropFirst(max(0, written))
    }
}
