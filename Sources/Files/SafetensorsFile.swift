/// A validated safetensors file. Tensors are byte ranges of a mapped file and are not read when it is opened.
///
/// Validation is stricter than in the reference implementation: the ranges must cover the data exactly, without
/// overlap or gap, and names must be unique. Format: https://github.com/huggingface/safetensors.
public struct SafetensorsFile: Sendable {
    /// A tensor in a file.
    public struct Entry: Sendable, Equatable {
        /// Name of the tensor.
        public let name: String
        /// Element type.
        public let dtype: ElementType
        /// Dimensions, slowest first; empty for a scalar.
        public let shape: [Int]
        /// Byte range in the file: little-endian, contiguous, row-major.
        public let range: Range<Int>
    }

    /// The mapped file.
    public let file: MappedFile
    /// Metadata of the header.
    public let metadata: [String: String]
    /// Tensors in the order of their bytes.
    public let entries: [Entry]
    private let index: [String: Int]
    private let digestRange: Range<Int>?

    /// Maximum size of a header in bytes, as defined by the format.
    public static let headerLimit = 100_000_000

    /// Opens and validates a file.
    /// - Throws: `FileError` if the file cannot be read or violates the format.
    public init(path: String) throws {
        file = try MappedFile(path: path)
        guard file.count >= 8 else { throw FileError.mismatch(file, expected: "a safetensors file") }
        let length = try file.withBytes(0..<8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= min(file.count - 8, Self.headerLimit) else {
            throw FileError.mismatch(file, expected: "a safetensors file")
        }
        let data = 8 + Int(length)
        let header = try file.withBytes(8..<data) { try SafetensorsHeader.parse($0, path: path) }
        metadata = header.metadata
        digestRange = header.metadataRanges[Self.digestKey].map { $0.lowerBound + 8..<$0.upperBound + 8 }

        var entries: [Entry] = []
        var index: [String: Int] = [:]
        var expected = 0
        // An empty tensor starts where the next one starts. The stable sort keeps the order of the header.
        for item in header.items.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
            guard let dtype = ElementType(rawValue: item.dtype) else {
                throw FileError(
                    path: path, what: "the tensor \"\(item.name)\" has the unsupported type \(item.dtype)",
                    advice:
                        "Convert it to one of \(ElementType.allCases.map(\.rawValue).joined(separator: " "))."
                )
            }
            guard item.start == expected, item.end >= item.start, item.end <= file.count - data else {
                throw FileError.broken(
                    path,
                    "the range \(item.start)..\(item.end) of the tensor \"\(item.name)\" leaves a gap, "
                        + "overlaps another tensor or exceeds the file")
            }
            guard dtype.byteCount(shape: item.shape) == item.end - item.start else {
                throw FileError.broken(
                    path,
                    "the tensor \"\(item.name)\" of shape \(item.shape) and type \(item.dtype) cannot have "
                        + "\(item.end - item.start) bytes")
            }
            expected = item.end
            index[item.name] = entries.count
            entries.append(
                Entry(
                    name: item.name, dtype: dtype, shape: item.shape,
                    range: data + item.start..<data + item.end))
        }
        guard data + expected == file.count else {
            throw FileError.broken(
                path, "the tensors end at byte \(data + expected), the file at byte \(file.count)")
        }
        self.entries = entries
        self.index = index
    }

    /// The entry with the given name; nil if there is none.
    public subscript(name: String) -> Entry? { index[name].map { entries[$0] } }

    /// Returns a copy of the bytes of a tensor.
    /// - Throws: `FileError` if the entry belongs to another file and its range is outside this one.
    public func bytes(_ entry: Entry) throws -> [UInt8] { try file.bytes(entry.range) }
}

extension SafetensorsFile {
    /// Metadata key of the checksum that `SafetensorsWriter` adds.
    public static let digestKey = "sha256"

    /// Checksum in the metadata: SHA-256 of the file with 64 zeros in place of the checksum; nil if the file has
    /// none.
    public var digest: String? { metadata[Self.digestKey] }

    /// Compares the file with its checksum.
    /// - Throws: `FileError` if they differ, the file has no checksum or it cannot be read.
    public func verify() throws {
        guard let digest, let range = digestRange, range.count == SafetensorsWriter.blank.count else {
            throw FileError(
                path: file.path, what: "the file has no checksum (metadata key \"\(Self.digestKey)\")",
                advice: "Only files written by FaceGAN can be verified.")
        }
        var stream = Digest.SHA256Stream()
        try file.withBytes(0..<range.lowerBound) { stream.update($0) }
        stream.update(SafetensorsWriter.blank)
        try file.withBytes(range.upperBound..<file.count) { stream.update($0) }
        guard stream.finish() == digest else {
            throw FileError.broken(file.path, "the content does not match the checksum in the file")
        }
    }
}

/// Writer of safetensors files: atomic, streaming, with a checksum of the whole file.
public enum SafetensorsWriter {
    /// Receiver of a tensor's bytes, in order, in blocks of any size.
    public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    /// A tensor to write.
    public struct Entry {
        /// Name of the tensor.
        public let name: String
        /// Element type.
        public let dtype: ElementType
        /// Dimensions, slowest first; empty for a scalar.
        public let shape: [Int]
        /// Passes the tensor's bytes to the sink: little-endian, contiguous, row-major.
        public let write: (Sink) throws -> Void

        /// Creates an entry whose bytes are produced while writing.
        public init(name: String, dtype: ElementType, shape: [Int], write: @escaping (Sink) throws -> Void) {
            (self.name, self.dtype, self.shape, self.write) = (name, dtype, shape, write)
        }

        /// Creates an entry from bytes: little-endian, contiguous, row-major.
        public init(name: String, dtype: ElementType, shape: [Int], bytes: [UInt8]) {
            self.init(name: name, dtype: dtype, shape: shape) { sink in
                try bytes.withUnsafeBytes { try sink($0) }
            }
        }
    }

    /// Writes entries in the given order. Elements are aligned to their size if wider types come first.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - metadata: strings by key. The key `SafetensorsFile.digestKey` is reserved.
    ///   - entries: the tensors.
    /// - Returns: the checksum in the file.
    /// - Throws: `FileError` if the header is too large or writing fails; errors of an entry's `write`. The old
    ///   file is then kept.
    @discardableResult
    public static func write(path: String, metadata: [String: String] = [:], entries: [Entry]) throws
        -> String
    {
        precondition(
            metadata[SafetensorsFile.digestKey] == nil,
            "SafetensorsWriter: the metadata key \"\(SafetensorsFile.digestKey)\" is reserved")
        let (header, digestOffset) = header(metadata: metadata, entries: entries)
        guard header.count - 8 <= SafetensorsFile.headerLimit else {
            throw FileError(
                path: path, what: "the header of \(header.count) bytes exceeds the limit of the format",
                advice: "Reduce the metadata.")
        }
        let file = try AtomicFile(path: path)
        var stream = Digest.SHA256Stream()
        try file.write(header)
        stream.update(header)
        for entry in entries {
            var written = 0
            let expected = entry.dtype.byteCount(shape: entry.shape)
            try entry.write { bytes in
                written += bytes.count
                try file.write(bytes)
                stream.update(bytes)
            }
            precondition(
                written == expected,
                "SafetensorsWriter: \"\(entry.name)\" of shape \(entry.shape) and type "
                    + "\(entry.dtype.rawValue) expected \(expected ?? -1) bytes, got \(written)")
        }
        let digest = stream.finish()
        try file.overwrite(Array(digest.utf8), at: digestOffset)
        try file.commit()
        return digest
    }

    /// Placeholder of the checksum while it is computed.
    static let blank = [UInt8](repeating: UInt8(ascii: "0"), count: 64)

    /// Returns the length and the header, and the offset of the checksum.
    private static func header(metadata: [String: String], entries: [Entry]) -> ([UInt8], Int) {
        var names = Set(["__metadata__"])
        var text = Array("{\"__metadata__\":{\"\(SafetensorsFile.digestKey)\":\"".utf8)
        let digestOffset = 8 + text.count
        text += blank + Array("\"".utf8)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            text += Array(",".utf8) + quoted(key) + Array(":".utf8) + quoted(value)
        }
        text += Array("}".utf8)
        var offset = 0
        for entry in entries {
            precondition(
                names.insert(entry.name).inserted,
                "SafetensorsWriter: the name \"\(entry.name)\" occurs twice")
            guard let count = entry.dtype.byteCount(shape: entry.shape) else {
                preconditionFailure(
                    "SafetensorsWriter: \"\(entry.name)\" has the invalid shape \(entry.shape)")
            }
            text += Array(",".utf8) + quoted(entry.name)
            text += Array(":{\"dtype\":\"\(entry.dtype.rawValue)\",\"shape\":[".utf8)
            text += Array(entry.shape.map(String.init).joined(separator: ",").utf8)
            text += Array("],\"data_offsets\":[\(offset),\(offset + count)]}".utf8)
            offset += count
        }
        text += Array("}".utf8)
        // Aligns the data to 64 bytes.
        text += [UInt8](repeating: 0x20, count: (64 - (8 + text.count) % 64) % 64)
        return (UInt64(text.count).littleEndianBytes + text, digestOffset)
    }

    private static func quoted(_ text: String) -> [UInt8] {
        var result = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                result += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            default: result.append(byte)
            }
        }
        return result + [UInt8(ascii: "\"")]
    }
}

/// Element type of a tensor in a file. The raw value is the name in the safetensors format.
public enum ElementType: String, Sendable, CaseIterable {
    /// Boolean, one byte.
    case bool = "BOOL"
    /// Unsigned 8-bit integer.
    case u8 = "U8"
    /// Signed 8-bit integer.
    case i8 = "I8"
    /// Unsigned 16-bit integer.
    case u16 = "U16"
    /// Signed 16-bit integer.
    case i16 = "I16"
    /// Unsigned 32-bit integer.
    case u32 = "U32"
    /// Signed 32-bit integer.
    case i32 = "I32"
    /// Unsigned 64-bit integer.
    case u64 = "U64"
    /// Signed 64-bit integer.
    case i64 = "I64"
    /// Half precision.
    case f16 = "F16"
    /// bfloat16.
    case bf16 = "BF16"
    /// Single precision.
    case f32 = "F32"
    /// Double precision.
    case f64 = "F64"

    /// Bytes per element.
    public var byteCount: Int {
        switch self {
        case .bool, .u8, .i8: 1
        case .u16, .i16, .f16, .bf16: 2
        case .u32, .i32, .f32: 4
        case .u64, .i64, .f64: 8
        }
    }

    /// Returns the bytes of a tensor of a given shape; nil if a dimension is negative or the number overflows.
    public func byteCount(shape: [Int]) -> Int? {
        // A tensor with a dimension of zero is empty, but its other dimensions must still be valid.
        var count = byteCount
        for side in shape {
            guard side >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: max(side, 1))
            guard !overflow else { return nil }
            count = product
        }
        return shape.contains(0) ? 0 : count
    }
}
