import Files
import Foundation

/// Training log in JSON Lines: one JSON object per line, in the order of steps.
///
/// Every line is written at once. A resumed run first removes the lines after the step of its checkpoint, so that its log
/// equals that of an uninterrupted run. For this, the line of a step must be appended before the checkpoint of that step is
/// written.
public final class JSONLinesLog {
    private let file: AppendingFile

    /// Path of the log.
    public var path: String { file.path }

    /// Opens a log.
    ///
    /// - Parameters:
    ///   - path: path of the file.
    ///   - step: step of the checkpoint from which training resumes; later lines, incomplete lines and lines of another
    ///     format are removed. Nil for an empty log.
    /// - Throws: `FileError` if the file cannot be read or written.
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
            // Lines after a damaged line are kept.
            try AtomicFile.write(kept.bytes, to: path)
            file = try AppendingFile(path: path, keeping: kept.bytes.count)
        }
    }

    /// Appends a line.
    ///
    /// - Throws: `FileError`, for example if the disk is full; the log then ends with the previous line.
    public func append(_ record: LogRecord) throws {
        try file.append(Array((record.line + "\n").utf8))
    }

    /// Waits until all lines are on disk. Call it before a checkpoint is written.
    /// - Throws: `FileError` if the disk reports an error.
    public func synchronize() throws { try file.synchronize() }

    /// Step of the last complete line of a log; nil if there is none.
    static func lastStep(path: String) -> Int? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return Array(data).split(separator: UInt8(ascii: "\n")).last { step(of: $0) != nil }.flatMap(step)
    }

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

    /// Step of a line in the format of `LogRecord.line`; nil for other lines.
    static func step(of line: ArraySlice<UInt8>) -> Int? {
        let head = Array("{\"step\":".utf8)
        guard line.starts(with: head), line.last == UInt8(ascii: "}"), !line.contains(0) else { return nil }
        let digits = line.dropFirst(head.count).prefix {
            $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0)
        }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}

/// Line of a training log: named values at a step, in the order of addition.
///
/// Values that depend on machine or time, such as seconds and memory, belong to `machine`. All other values are equal in a
/// resumed and in an uninterrupted run.
public struct LogRecord: Sendable, Equatable {
    /// Value of a line.
    public enum Value: Sendable, Equatable {
        case number(Double)
        case integer(Int)
        case flag(Bool)
        case text(String)
    }

    /// Training step after which the values were measured.
    public let step: Int
    /// Values that depend on recipe, data and seed only.
    public private(set) var values: [(key: String, value: Value)] = []
    /// Values that can differ between runs.
    public private(set) var machine: [(key: String, value: Value)] = []

    /// Creates a line without values.
    public init(step: Int) { self.step = step }

    /// Adds a value.
    public mutating func add(_ key: String, _ value: Value) {
        precondition(!["step", "machine"].contains(key), "LogRecord: the key \(key) is reserved")
        values.append((key, value))
    }

    /// Adds a value that can differ between runs.
    public mutating func add(machine key: String, _ value: Value) { machine.append((key, value)) }

    /// Compares the JSON texts.
    public static func == (a: LogRecord, b: LogRecord) -> Bool { a.line == b.line }

    /// JSON text without a line break. Numbers have all digits; NaN and infinity become null.
    public var line: String {
        var fields = ["\"step\":\(step)"] + values.map(Self.field)
        if !machine.isEmpty {
            fields.append("\"machine\":{\(machine.map(Self.field).joined(separator: ","))}")
        }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func field(_ key: String, _ value: Value) -> String {
        let text =
            switch value {
            case .number(let number): number.isFinite ? number.description : "null"
            case .integer(let number): String(number)
            case .flag(let flag): String(flag)
            case .text(let text): quoted(text)
            }
        return "\(quoted(key)):\(text)"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    out += String(format: "\\u%04x", scalar.value)
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}

/// File to which whole records are appended, without a buffer, so that they persist if the process is killed.
final class AppendingFile {
    let path: String
    private(set) var count: Int
    private let descriptor: Int32

    /// Opens or creates a file and truncates it to `count` bytes.
    /// - Throws: `FileError` if the file cannot be opened or truncated.
    init(path: String, keeping count: Int) throws {
        self.path = path
        self.count = count
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw Self.error(path, "opened", "Check that the folder exists and is writable.")
        }
        guard ftruncate(descriptor, off_t(count)) == 0 else {
            close(descriptor)
            throw Self.error(path, "truncated", "")
        }
    }

    deinit { close(descriptor) }

    /// Appends one record. If the disk is full, no part of the record is left in the file.
    /// - Throws: `FileError` if the record cannot be written.
    func append(_ record: [UInt8]) throws {
        var done = 0
        while done < record.count {
            let written = record.withUnsafeBytes {
                write(descriptor, $0.baseAddress! + done, record.count - done)
            }
            if written < 0 {
                if errno == EINTR { continue }
                let error = Self.error(path, "written", "Free some disk space, then resume the run.")
                ftruncate(descriptor, off_t(count))
                throw error
            }
            done += written
        }
        count += record.count
    }

    /// Waits until all records are on disk.
    /// - Throws: `FileError` if the disk reports an error.
    func synchronize() throws {
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Self.error(path, "flushed", "") }
    }

    private static func error(_ path: String, _ done: String, _ advice: String) -> FileError {
        FileError(
            path: path, what: "the log could not be \(done) (\(String(cString: strerror(errno))))",
            advice: advice)
    }
}
