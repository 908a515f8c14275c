import Files
import Foundation

/// A training log: one JSON object a line, the oldest first.
///
/// Every line is written at once and whole. A resumed run first drops the lines that its checkpoint does not
/// know, so that afterwards the log says what a run without a break would have said. For that, append a step's
/// line before the checkpoint of that step is written.
public final class JSONLinesLog {
    private let file: AppendingFile

    /// Where the log is.
    public var path: String { file.path }

    /// Opens a log.
    ///
    /// - Parameter step: the step of the checkpoint that training resumes from: later lines, torn lines and lines
    ///   that are no records are dropped. Nil begins an empty log.
    /// - Throws: `FileError` when the file cannot be read or written.
    public init(path: String, resumingAt step: Int?) throws {
        guard let step, FileManager.default.fileExists(atPath: path) else {
            file = try AppendingFile(path: path, keeping: 0)
            return
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw FileError(path: path, what: "the log cannot be read", advice: "Check its permissions.")
        }
        let kept = Self.kept(Array(data), upTo: step)
        if kept.isPrefix {
            file = try AppendingFile(path: path, keeping: kept.bytes.count)
        } else {
            // Damage in the middle: what follows it is not thrown away.
            try AtomicFile.write(kept.bytes, to: path)
            file = try AppendingFile(path: path, keeping: kept.bytes.count)
        }
    }

    /// Appends a line.
    ///
    /// - Throws: `FileError`, as when the disk is full; the log then ends with the line before.
    public func append(_ record: LogRecord) throws {
        try file.append(Array((record.line + "\n").utf8))
    }

    /// Waits until the disk has every line: before the checkpoint that counts on them.
    public func synchronize() throws { try file.synchronize() }

    private static func kept(_ bytes: [UInt8], upTo step: Int) -> (bytes: [UInt8], isPrefix: Bool) {
        var kept: [UInt8] = []
        var isPrefix = true
        var hasGap = false
        var start = 0
        while start < bytes.count, let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = bytes[start...end]
            if let found = self.step(of: line.dropLast()), found <= step {
                if hasGap { isPrefix = false }
                kept += line
            } else {
                hasGap = true
            }
            start = end + 1
        }
        return (kept, isPrefix)
    }

    /// The step of a line that we wrote; nil for anything else.
    static func step(of line: ArraySlice<UInt8>) -> Int? {
        let head = Array("{\"step\":".utf8)
        guard line.starts(with: head), line.last == UInt8(ascii: "}"), !line.contains(0) else { return nil }
        let digits = line.dropFirst(head.count).prefix {
            $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0)
        }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
