import Files

/// A record of TensorBoard's event files: the protocol buffer `tensorflow.Event` with what we need of it.
///
/// Sources: `event.proto`, `summary.proto` and `tensor.proto` of TensorBoard, and TensorFlow's `record_writer`
/// for the frame around each record.
package struct TensorBoardEvent {
    package enum Content {
        /// The first record of a file.
        case fileVersion
        case scalars([(tag: String, value: Float)])
        case image(tag: String, png: [UInt8], width: Int, height: Int)
        /// Markdown.
        case text(tag: String, String)
        /// A session begins: points of earlier sessions at this step and later do not count.
        case sessionStart
    }

    package var wallTime: Double
    package var step: Int
    package var content: Content

    package init(wallTime: Double, step: Int, content: Content) {
        self.wallTime = wallTime
        self.step = step
        self.content = content
    }

    /// The record in its frame: length, its checksum, the event, its checksum.
    package var framed: [UInt8] {
        let event = encoded
        var frame = ProtocolBuffer.littleEndian(UInt64(event.count))
        frame += ProtocolBuffer.littleEndian(Self.masked(frame))
        frame += event
        frame += ProtocolBuffer.littleEndian(Self.masked(event))
        return frame
    }

    /// A checksum of checksums says little, so the format rotates it and adds a constant.
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

/// The wire format of protocol buffers, as far as event files need it. Zeros are left out, as in proto3.
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
        bytes += Self.littleEndian(value.bitPattern)
    }

    /// Written even if zero: a member of a `oneof`.
    mutating func float(_ field: Int, _ value: Float) {
        varint(UInt64(field << 3 | 5))
        bytes += Self.littleEndian(value.bitPattern)
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

    static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
