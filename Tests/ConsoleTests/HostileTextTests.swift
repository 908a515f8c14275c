import Console
import Foundation
import TestSupport
import Testing

/// Text from strangers, such as file names, on a terminal.
@Suite struct HostileTextTests {
    /// Characters that change the state of a terminal or the order of other characters.
    static let hostile: [UInt32] =
        Array(0..<0x09) + Array(0x0B..<0x20) + Array(0x7F..<0xA0)
        + [0x061C, 0x200E, 0x200F, 0x2028, 0x2029] + Array(0x202A...0x202E) + Array(0x2066...0x2069)

    @Test(arguments: [false, true])
    func controlCharactersAreVisible(hasColors: Bool) throws {
        let recorder = Recorder()
        let output = recorder.output(colors: hasColors)
        for value in Self.hostile {
            let scalar = try #require(Unicode.Scalar(value))
            let name = "a" + String(Character(scalar)) + "b"
            let shown = "a\\u{\(String(value, radix: 16, uppercase: true))}b"
            output.writeLine(name)
            #expect(recorder.take() == shown + "\n")
            output.write(output.styled(name, .bold))
            #expect(recorder.take() == (hasColors ? "\u{1B}[1m\(shown)\u{1B}[0m" : shown))
            let line = LiveLine(output, now: recorder.clock)
            line.show(name)
            recorder.wait(1)
            #expect(recorder.take() == "\r\(shown)\u{1B}[K")
            line.print(name)
            #expect(recorder.take() == "\r\u{1B}[K\(shown)\n\(shown)")
            line.clear()
            _ = recorder.take()
        }
    }

    @Test func otherTextIsUnchanged() {
        let recorder = Recorder()
        let text = "naïve 人脸 👩‍👩‍👧 שלום\tline\nline é …"
        recorder.output().write(text)
        #expect(recorder.take() == text)
        #expect(ConsoleText.printable("\r\n") == "\\u{D}\n")
        #expect(ConsoleText.printableLine("a\nb\tc") == "a\\u{A}b\\u{9}c")
    }

    @Test func aLiveLineIsOneLine() {
        let recorder = Recorder()
        let line = LiveLine(recorder.output(), now: recorder.clock)
        line.show("two\nlines")
        #expect(recorder.take() == "\rtwo\\u{A}lines\u{1B}[K")
    }

    @Test func aFailedWriteIsRecorded() async {
        await #expect(processExitsWith: .exitCode(7)) {
            guard ConsoleOutput.standardOutputFailure == nil else { exit(1) }
            let full = open("/dev/full", O_WRONLY)
            guard full >= 0, dup2(full, 1) == 1 else { exit(2) }
            ConsoleOutput.standardOutput.writeLine("lost")
            guard let failure = ConsoleOutput.standardOutputFailure, !failure.isClosedPipe else { exit(3) }
            guard "\(failure)".contains("No space left on device") else { exit(4) }
            exit(7)
        }
    }

    @Test func closedStreamsAreOccupied() async {
        await #expect(processExitsWith: .exitCode(7)) {
            close(1)
            ConsoleOutput.prepareStandardStreams()
            let next = open("/dev/null", O_RDONLY)
            guard next > 2 else { exit(1) }
            ConsoleOutput.standardOutput.writeLine("lost")
            guard ConsoleOutput.standardOutputFailure != nil else { exit(2) }
            exit(7)
        }
    }
}
