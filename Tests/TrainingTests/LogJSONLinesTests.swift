import Foundation
import TestSupport
import Testing
import Training

@Suite struct LogJSONLinesTests {
    private func record(_ step: Int, seconds: Double = 0.5) -> LogRecord {
        var record = LogRecord(step: step)
        record.add("kimg", .number(Double(step) * 0.064))
        record.add("loss.D", .number(1.0 / Double(step + 1)))
        record.add(machine: "seconds", .number(seconds))
        return record
    }

    private func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    @Test func aLineIsOneJSONObject() throws {
        var record = LogRecord(step: 7)
        record.add("loss", .number(0.1))
        record.add("broken", .number(.nan))
        record.add("count", .integer(-3))
        record.add("ema", .flag(true))
        record.add("event", .text("a \"quoted\"\n\\line\u{1}人脸"))
        record.add(machine: "seconds", .number(2e-7))
        #expect(
            record.line == #"{"step":7,"loss":0.1,"broken":null,"count":-3,"ema":true,"#
                + #""event":"a \"quoted\"\n\\line\u0001人脸","machine":{"seconds":2e-07}}"#)
        let object = try JSONSerialization.jsonObject(with: Data(record.line.utf8)) as? [String: Any]
        #expect(object?["event"] as? String == "a \"quoted\"\n\\line\u{1}人脸")
    }

    @Test func linesAreOnDiskAtOnce() throws {
        let folder = try TemporaryFolder()
        let log = try JSONLinesLog(path: folder.file("log.jsonl"), resumingAt: nil)
        try log.append(record(1))
        #expect(text(log.path) == record(1).line + "\n")
        try log.append(record(2))
        try log.synchronize()
        #expect(text(log.path) == record(1).line + "\n" + record(2).line + "\n")
    }

    @Test func aNewRunBeginsAnEmptyLog() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"step\":1}\n", to: "log.jsonl")
        _ = try JSONLinesLog(path: path, resumingAt: nil)
        #expect(text(path) == "")
        _ = try JSONLinesLog(path: folder.file("other.jsonl"), resumingAt: 5)
        #expect(text(folder.file("other.jsonl")) == "")
    }

    /// Killed anywhere, even inside a line, and resumed from a checkpoint: the same log as without a break.
    @Test func aResumedLogEqualsAnUnkilledOne() throws {
        let folder = try TemporaryFolder()
        let whole = try JSONLinesLog(path: folder.file("whole.jsonl"), resumingAt: nil)
        for step in 0..<30 { try whole.append(record(step)) }
        let wanted = text(whole.path)
        let bytes = Array(wanted.utf8)
        let checkpoint = 9
        let known = (0...checkpoint).map { record($0).line + "\n" }.joined().utf8.count
        for end in stride(from: known, through: bytes.count, by: 7) {
            let path = try folder.write(Array(bytes[..<end]), to: "killed.jsonl")
            let log = try JSONLinesLog(path: path, resumingAt: checkpoint)
            for step in (checkpoint + 1)..<30 { try log.append(record(step)) }
            try #require(text(path) == wanted, "killed at byte \(end)")
        }
    }

    @Test func damageInTheMiddleCostsOnlyItsLine() throws {
        let folder = try TemporaryFolder()
        let lines = [1, 2, 3, 4].map { record($0).line }
        let torn = [
            lines[0], "\u{0}\u{0}\u{0}", lines[1], String(lines[2].dropLast(9)), "not ours", lines[3],
        ]
        let path = try folder.write(torn.joined(separator: "\n") + "\n{\"step\":2", to: "log.jsonl")
        let log = try JSONLinesLog(path: path, resumingAt: 3)
        try log.append(record(4))
        #expect(text(path) == [lines[0], lines[1], lines[3]].joined(separator: "\n") + "\n")
    }

    @Test func aFolderThatIsMissingIsNamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("missing/log.jsonl")
        let error = #expect(throws: (any Error).self) { try JSONLinesLog(path: path, resumingAt: nil) }
        #expect(
            error.map { "\($0)" }
                == "\(path): the log could not be opened (No such file or directory)."
                + " Check that the folder exists and may be written.")
    }
}
