import Foundation
import Synchronization

/// A text output stream and the capabilities of its terminal.
///
/// Control characters in text are made visible, because text contains names from strangers; see `ConsoleText`.
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

    /// Writes text without buffering. Control characters are made visible.
    public func write(_ text: String) { sink(ConsoleText.encoded(text, hasColors: hasColors)) }

    /// Writes a line. Control characters are made visible.
    public func writeLine(_ text: String = "") { write(text + "\n") }

    /// Writes text with escape sequences of this module.
    func writeControl(_ text: String) { sink(text) }

    /// Returns text with a style for `write` and `writeLine`, or unchanged text if there are no colors.
    public func styled(_ text: String, _ style: ConsoleStyle) -> String {
        hasColors ? StyleMark.styled(text, style) : text
    }
}

// MARK: Standard output

extension ConsoleOutput {
    // A global, because standard output belongs to the process.
    private static let failure = Atomic<Int32>(0)

    /// Reason of the first failed write to standard output; nil if all succeeded.
    ///
    /// A failed write does not stop the work of a command. The command reports it at its end.
    public static var standardOutputFailure: StandardOutputFailure? {
        let code = failure.load(ordering: .relaxed)
        return code == 0 ? nil : StandardOutputFailure(code: code)
    }

    /// Prepares the standard streams of a program. Call it first.
    ///
    /// A closed pipe becomes a failed write, which can be reported. A closed descriptor is occupied, so that a file that is
    /// opened later does not receive the text of the program.
    public static func prepareStandardStreams() {
        signal(SIGPIPE, SIG_IGN)
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            // Read-only: writing fails as before. The lowest free descriptor is the closed one.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    fileprivate static func recordFailure(_ code: Int32) {
        _ = failure.compareExchange(expected: 0, desired: code, ordering: .relaxed)
    }
}

/// Failure of a write to standard output.
public struct StandardOutputFailure: Error, Sendable, CustomStringConvertible {
    let code: Int32

    /// Whether the reader closed a pipe, such as `head` after its last line.
    public var isClosedPipe: Bool { code == EPIPE }

    /// Message for the user.
    public var description: String {
        "standard output cannot be written: \(String(cString: strerror(code))). The output is not complete; check the"
            + " destination and repeat the command."
    }
}

/// Style of text on a terminal. The raw value is the ANSI code.
public enum ConsoleStyle: Int, Sendable, CaseIterable {
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
        if written < 0, errno == EINTR { continue }
        if written < 0, errno == EAGAIN {
            // A pipe that another program made non-blocking.
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&waiting, 1, 1000)
            continue
        }
        guard written > 0 else {
            // A closed pipe or a full disk must not stop a training run.
            if descriptor == 1 { ConsoleOutput.recordFailure(written < 0 ? errno : EIO) }
            return
        }
        bytes = bytes.dropFirst(written)
    }
}
