import Files
import Foundation

/// Event file for TensorBoard with scalars, pictures and text.
///
/// Every session of a run writes its own file. The file of a resumed session starts with a record of the step from which
/// TensorBoard discards the points of earlier files.
public final class TensorBoardLog {
    private let file: AppendingFile
    private let now: () -> Double

    /// Path of the event file of this session.
    public var path: String { file.path }

    /// Creates an event file.
    ///
    /// - Parameters:
    ///   - folder: folder of the event files; it is created if needed.
    ///   - step: step of the checkpoint from which training resumes; nil for a new run.
    ///   - now: current time in seconds since 1970.
    /// - Throws: `FileError` if the folder or the file cannot be created.
    public init(
        folder: String, resumingAt step: Int?, now: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        self.now = now
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FileError(
                path: folder, what: "the folder for event files cannot be created",
                advice: "Check that the folder above it is writable.")
        }
        let path = folder + "/" + Self.name(at: now(), in: folder)
        file = try AppendingFile(path: path, keeping: 0)
        try write(step: 0, .fileVersion)
        // TensorBoard ignores the first such record of a run, so the first session writes one too.
        try write(step: step.map { $0 + 1 } ?? 0, .sessionStart)
    }

    /// Adds points to curves. Tags with the same part before `/` share a panel.
    /// - Throws: `FileError`, for example if the disk is full.
    public func scalars(_ values: [(tag: String, value: Double)], step: Int) throws {
        guard !values.isEmpty else { return }
        try write(step: step, .scalars(values.map { ($0.tag, Float($0.value)) }))
    }

    /// Adds an RGB picture as PNG.
    /// - Throws: `FileError`, for example if the disk is full.
    public func image(_ tag: String, png: [UInt8], width: Int, height: Int, step: Int) throws {
        try write(step: step, .image(tag: tag, png: png, width: width, height: height))
    }

    /// Adds a text in Markdown.
    /// - Throws: `FileError`, for example if the disk is full.
    public func text(_ tag: String, _ markdown: String, step: Int) throws {
        try write(step: step, .text(tag: tag, markdown))
    }

    private func write(step: Int, _ content: TensorBoardEvent.Content) throws {
        try file.append(TensorBoardEvent(wallTime: now(), step: step, content: content).framed)
    }

    /// Name that sorts after the existing files. TensorBoard reads the files of a folder in the order of their names.
    private static func name(at time: Double, in folder: String) -> String {
        let prefix = "events.out.tfevents."
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let used = names.compactMap { name -> Int? in
            guard name.hasPrefix(prefix) else { return nil }
            return Int(name.dropFirst(prefix.count).prefix { $0 != "." })
        }
        let second = max(Int(time.rounded(.down)), (used.max() ?? 0) + 1, 0)
        return prefix + String(format: "%010d", second) + ".facegan"
    }
}

/// Record of a TensorBoard event file: the required fields of the protocol buffer `tensorflow.Event`.
///
/// Sources: `event.proto`, `summary.proto` and `tensor.proto` of TensorBoard; TensorFlow's `record_writer` for the frame of
/// a record.
package struct TensorBoardEvent {
    /// Content of a record.
    package enum Content {
        /// First record of a file.
        case fileVersion
        /// Points of curves.
        case scalars([(tag: String, value: Float)])
        /// RGB picture.
        case image(tag: String, png: [UInt8], width: Int, height: Int)
        /// Text in Markdown.
        case text(tag: String, String)
        /// Start of a session. Points of earlier sessions at this step and later are discarded.
        case sessionStart
    }

    /// Time in seconds since 1970.
    package var wallTime: Double
    /// Training step.
    package var step: Int
    /// Content of the record.
    package var content: Content

    /// Creates a record.
    package init(wallTime: Double, step: Int, content: Content) {
        self.wallTime = wallTime
        self.step = step
        self.content = content
    }

    /// Record with its frame: length, checksum of the length, event, checksum of the event.
    package var framed: [UInt8] {
        let event = encoded
        var frame = UInt64(event.count).littleEndianBytes
        frame += Self.masked(frame).littleEndianBytes
        frame += event
        frame += Self.masked(event).littleEndianBytes
        return frame
    }

    /// Masked CRC-32C: rotated, plus a constant, as the format requires.
    private static func masked(_ bytes: [UInt8]) -> UInt32 {
        let crc = Digest.crc32c(bytes)
        return ((crc >> 15) | (crc << 17)) &+ 0xA282_EAD8
    }

    private var encoded: [UInt8] {
        var event = ProtocolBuffer()
        event.double(1, wallTime)
        event.integer(2, step)
        switch content {
        case .fileVersion:
            event.text(3, "brain.Event:2")
        case .scalars(let scalars):
            event.message(5) { summary in
                for (tag, value) in scalars {
                    summary.message(1) {
                        $0.text(1, tag)
                        $0.float(2, value)
                    }
                }
            }
        case .image(let tag, let png, let width, let height):
            event.message(5) { summary in
                summary.message(1) { value in
                    value.text(1, tag)
                    value.message(4) {
                        $0.integer(1, height)
                        $0.integer(2, width)
                        $0.integer(3, 3)  // RGB
                        $0.bytes(4, png)
                    }
                }
            }
        case .text(let tag, let text):
            event.message(5) { summary in
                summary.message(1) { value in
                    value.text(1, tag)
                    value.message(8) { tensor in
                        tensor.integer(1, 7)  // DT_STRING
                        tensor.message(2) { shape in shape.message(2) { $0.integer(1, 1) } }
                        tensor.text(8, text)
                    }
                    value.message(9) { metadata in metadata.message(1) { $0.text(1, "text") } }
                }
            }
        case .sessionStart:
            event.message(7) { $0.integer(1, 1) }  // SessionLog.START
        }
        return event.bytes
    }
}

/// Writer of the wire format of protocol buffers, for the types in event files. Zeros are omitted, as in proto3.
struct ProtocolBuffer {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ field: Int, _ value: Int) {
        guard value != 0 else { return }
        varint(UInt64(field << 3))
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func double(_ field: Int, _ value: Double) {
        guard value.bitPattern != 0 else { return }
        varint(UInt64(field << 3 | 1))
        bytes += value.bitPattern.littleEndianBytes
    }

    /// Also written if zero, as a member of a `oneof`.
    mutating func float(_ field: Int, _ value: Float) {
        varint(UInt64(field << 3 | 5))
        bytes += value.bitPattern.littleEndianBytes
    }

    mutating func text(_ field: Int, _ value: String) { self.bytes(field, Array(value.utf8)) }

    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        varint(UInt64(field << 3 | 2))
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func message(_ field: Int, _ fill: (inout ProtocolBuffer) -> Void) {
        var inner = ProtocolBuffer()
        fill(&inner)
        bytes(field, inner.bytes)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
