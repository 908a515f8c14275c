/// A safetensors file, opened and checked but not read: tensors are byte ranges of a mapped file.
///
/// Stricter than the format's own reader: the ranges must tile the data exactly, in bounds, without overlap, gap or
/// remainder, and names must differ. Format: https://github.com/huggingface/safetensors.
public struct SafetensorsFile: Sendable {
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let dtype: ElementType
        /// The sides, slowest first; empty for a single number.
        public let shape: [Int]
        /// Where the numbers stand in the file: little-endian, contiguous, row by row.
        public let range: Range<Int>
    }

    public let file: MappedFile
    public let metadata: [String: String]
    /// The tensors in the order of their bytes.
    public let entries: [Entry]
    private let index: [String: Int]
    private let digestRange: Range<Int>?

    /// The most that a header may take; the format's own limit.
    public static let headerLimit = 100_000_000

    /// - Throws: `FileError` if the file breaks any rule of the format.
    public init(path: String) throws {
        file = try MappedFile(path: path)
        guard file.count >= 8 else { throw FileSignature.mismatch(file, expected: "a safetensors file") }
        let length = try file.withBytes(0..<8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= min(file.count - 8, Self.headerLimit) else {
            throw FileSignature.mismatch(file, expected: "a safetensors file")
        }
        let data = 8 + Int(length)
        let header = try file.withBytes(8..<data) { try SafetensorsHeader.parse($0, path: path) }
        metadata = header.metadata
        digestRange = header.metadataRanges[Self.digestKey].map { $0.lowerBound + 8..<$0.upperBound + 8 }

        var entries: [Entry] = []
        var index: [String: Int] = [:]
        var expected = 0
        // Empty tensors share their start with the next one; the stable sort keeps the header's order among them.
        for item in header.items.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
            guard let dtype = ElementType(rawValue: item.dtype) else {
                throw FileError(
                    path: path, what: "the tensor \"\(item.name)\" has numbers of the type \(item.dtype)",
                    advice:
                        "Convert it to one of \(ElementType.allCases.map(\.rawValue).joined(separator: " "))."
                )
            }
            guard item.start == expected, item.end >= item.start, item.end <= file.count - data else {
                throw FileError.broken(
                    path,
                    "the tensor \"\(item.name)\" is said to be at \(item.start)..\(item.end), where it "
                        + "leaves a gap, overlaps another or ends after the file")
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

    /// The entry of that name, if there is one.
    public subscript(name: String) -> Entry? { index[name].map { entries[$0] } }

    /// A copy of a tensor's bytes.
    /// - Throws: `FileError` if the entry is of another file and outside this one.
    public func bytes(_ entry: Entry) throws -> [UInt8] { try file.bytes(entry.range) }
}

extension SafetensorsFile {
    /// The metadata key of the checksum that `SafetensorsWriter` puts in.
    public static let digestKey = "sha256"

    /// The checksum that the file carries: the SHA-256 of the whole file with 64 zeros in the checksum's place.
    /// Files of other programs have none.
    public var digest: String? { metadata[Self.digestKey] }

    /// Compares the whole file with the checksum that it carries.
    /// - Throws: `FileError` if they differ, or if the file carries none.
    public func verify() throws {
        guard let digest, let range = digestRange, range.count == SafetensorsWriter.blank.count else {
            throw FileError(
                path: file.path, what: "the file carries no checksum (metadata key \"\(Self.digestKey)\")",
                advice: "Only files that FaceGAN wrote can be verified.")
        }
        var stream = Digest.SHA256Stream()
        try file.withBytes(0..<range.lowerBound) { stream.update($0) }
        stream.update(SafetensorsWriter.blank)
        try file.withBytes(range.upperBound..<file.count) { stream.update($0) }
        guard stream.finish() == digest else {
            throw FileError.broken(file.path, "the content does not match the file's own checksum")
        }
    }
}

/// Writes safetensors files: atomically, streaming, with a checksum of the whole file inside.
public enum SafetensorsWriter {
    /// Takes a tensor's bytes, in order, in pieces of any size.
    public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    /// A tensor to write.
    public struct Entry {
        public let name: String
        public let dtype: ElementType
        public let shape: [Int]
        /// Puts the tensor's bytes into the sink: little-endian, contiguous, row by row.
        public let write: (Sink) throws -> Void

        public init(name: String, dtype: ElementType, shape: [Int], write: @escaping (Sink) throws -> Void) {
            (self.name, self.dtype, self.shape, self.write) = (name, dtype, shape, write)
        }

        public init(name: String, dtype: ElementType, shape: [Int], bytes: [UInt8]) {
            self.init(name: name, dtype: dtype, shape: shape) { sink in
                try bytes.withUnsafeBytes { try sink($0) }
            }
        }
    }

    /// Writes the entries in the order given. Their bytes are aligned to their numbers' size if wider types come
    /// first.
    /// - Parameter metadata: free texts; `SafetensorsFile.digestKey` is the writer's own.
    /// - Returns: the checksum that the file now carries.
    /// - Throws: `FileError` if writing fails; whatever an entry's `write` throws. The old file is then untouched.
    @discardableResult
    public static func write(path: String, metadata: [String: String] = [:], entries: [Entry]) throws
        -> String
    {
        precondition(
            metadata[SafetensorsFile.digestKey] == nil,
            "SafetensorsWriter: the metadata key \"\(SafetensorsFile.digestKey)\" is the writer's own")
        let (header, digestOffset) = header(metadata: metadata, entries: entries)
        guard header.count - 8 <= SafetensorsFile.headerLimit else {
            throw FileError(
                path: path, what: "a header of \(header.count) bytes is more than the format allows",
                advice: "Put less into the metadata.")
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
                "SafetensorsWriter: \"\(entry.name)\" of shape \(entry.shape) and type \(entry.dtype.rawValue) "
                    + "expected \(expected ?? -1) bytes, got \(written)")
        }
        let digest = stream.finish()
        try file.overwrite(Array(digest.utf8), at: digestOffset)
        try file.commit()
        return digest
    }

    /// What stands in the checksum's place while the checksum is computed.
    static let blank = [UInt8](repeating: UInt8(ascii: "0"), count: 64)

    /// The length and the header, and where the checksum goes.
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
                    "SafetensorsWriter: \"\(entry.name)\" has the impossible shape \(entry.shape)")
            }
            text += Array(",".utf8) + quoted(entry.name)
            text += Array(":{\"dtype\":\"\(entry.dtype.rawValue)\",\"shape\":[".utf8)
            text += Array(entry.shape.map(String.init).joined(separator: ",").utf8)
            text += Array("],\"data_offsets\":[\(offset),\(offset + count)]}".utf8)
            offset += count
        }
        text += Array("}".utf8)
        // So that the data begin at a multiple of 64 bytes.
        text += [UInt8](repeating: 0x20, count: (64 - (8 + text.count) % 64) % 64)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        return (length + text, digestOffset)
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

/// The type of a tensor's numbers in a file, under the names of the safetensors format.
public enum ElementType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case u8 = "U8"
    case i8 = "I8"
    case u16 = "U16"
    case i16 = "I16"
    case u32 = "U32"
    case i32 = "I32"
    case u64 = "U64"
    case i64 = "I64"
    case f16 = "F16"
    case bf16 = "BF16"
    case f32 = "F32"
    case f64 = "F64"

    /// Bytes of one number.
    public var byteCount: Int {
        switch self {
        case .bool, .u8, .i8: 1
        case .u16, .i16, .f16, .bf16: 2
        case .u32, .i32, .f32: 4
        case .u64, .i64, .f64: 8
        }
    }

    /// Bytes of a tensor of this shape, or `nil` if a side is negative or the number does not fit.
    public func byteCount(shape: [Int]) -> Int? {
        // A side of zero makes the whole empty, but the others must still be sane.
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
