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
