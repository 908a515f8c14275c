import Foundation

/// A text output stream and the capabilities of its terminal.
public struct ConsoleOutput: Sendable {
    /// Whether the output is a terminal, so that lines can be rewritten in place.
    public let isInteractive: Bool
    /// Whether `styled` adds colors: on terminals, unless `NO_COLOR` is set or `TERM` is `dumb`.
    public let hasColors: Bool
    private let measure: @Sendable () -> Int
    private let sink: @Sendable (String) -> Void

    /// Standard output, for results.
    public static let standardOutput = ConsoleOutput(descriptor: 1)
    /// Standard error, for progress and problems.
    public static let standardError = ConsoleOutput(descriptor: 2)

    /// Creates an output with a custom destination, for example for tests.
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

    /// Width of the terminal in columns; 80 if unknown.
    public var width: Int { measure() }

    /// Writes text without buffering.
    public func write(_ text: String) { sink(text) }

    /// Writes a line.
    public func writeLine(_ text: String = "") { sink(text + "\n") }

    /// Returns text with a style, or unchanged if there are no colors.
    public func styled(_ text: String, _ style: ConsoleStyle) -> String {
        hasColors ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// Style of text on a terminal. The raw value is the ANSI code.
public enum ConsoleStyle: Int, Sendable {
    /// Bold.
    case bold = 1
    /// Dim.
    case dim = 2
    /// Red.
    case red = 31
    /// Green.
    case green = 32
    /// Yellow.
    case yellow = 33
    /// Cyan.
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
