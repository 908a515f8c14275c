import TestSupport
import Testing

/// Standard output and standard error of every command.
@Suite struct OutputTests {
    private func run(_ arguments: [String], redirection: String) throws -> ProcessResult {
        try runProcess("/bin/sh", ["-c", "exec \"$0\" \"$@\" \(redirection)", Command.path] + arguments)
    }

    /// A failed write to standard output is a failure.
    @Test(arguments: [
        ["--help"], ["help", "train"], ["train", "--help"], ["--version"], ["recipes"], ["recipes", "dcgan"],
        ["recipes", "--fields"], ["doctor"], ["weights", "list"], ["--generate-completion-script", "bash"],
    ])
    func aFullDiskIsAFailure(arguments: [String]) throws {
        let result = try run(arguments, redirection: "> /dev/full")
        #expect(result.status == 1)
        #expect(result.errors.contains("Error: standard output cannot be written: "), "\(result.errors)")
        let closed = try run(arguments, redirection: ">&-")
        #expect(closed.status == 1)
    }

    /// The reader of a pipe may stop early. The command then ends without a message.
    @Test func aClosedPipeIsQuiet() throws {
        let result = try runProcess(
            "/bin/sh", ["-c", "{ sleep 0.3; \"$0\" recipes --fields; echo $? >&2; } | true", Command.path])
        #expect(result.errors == "1\n", "\(result.errors)")
    }

    /// Arguments and file names cannot send control characters to the terminal.
    @Test(arguments: [
        ["generate", "\u{1B}]0;x\u{7}"], ["recipes", "\u{1B}[31m\u{202E}"], ["train", "--\u{1B}[2J"],
        ["import", "\u{9B}31m.pth", "--out", "x"], ["\u{1B}c"], ["data", "doctor", "\u{2066}a\u{7F}\r"],
        ["train", "--recipe", "dcgan", "--data", "builtin:8", "--set", "\u{1B}[1m=\u{8}"],
        ["evaluate", "\u{1B}[31m", "--against", "\u{1B}[31m"],
    ])
    func namesAreShownWithoutControlCharacters(arguments: [String]) throws {
        let result = try Command.run(arguments)
        #expect(result.status == 1 || result.status == 64)
        let control = (result.output + result.errors).unicodeScalars.first {
            ($0.value < 0x20 && $0 != "\n" && $0 != "\t") || (0x7F..<0xA0).contains($0.value)
                || [0x202E, 0x2066].contains($0.value)
        }
        #expect(control == nil, "\(result.errors)")
        #expect(result.errors.contains("\\u{"), "\(result.errors)")
    }
}
