/// Writer of state dictionaries in the format of `torch.save` since PyTorch 1.6, which `torch.load(weights_only=True)` reads.
public enum PyTorchWriter {
    /// A tensor to write.
    public struct Entry {
        /// Key of the dictionary.
        public let name: String
        /// Element type.
        public let dtype: ElementType
        /// Dimensions, slowest first.
        public let shape: [Int]
        /// Bytes of the tensor: little-endian, contiguous, row-major.
        public let bytes: () throws -> [UInt8]

        /// Creates an entry whose bytes are produced while writing.
        public init(name: String, dtype: ElementType, shape: [Int], bytes: @escaping () throws -> [UInt8]) {
            (self.name, self.dtype, self.shape, self.bytes) = (name, dtype, shape, bytes)
        }
    }

    /// Writes a file atomically.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - entries: tensors with distinct names.
    /// - Throws: `FileError` for a type that PyTorch has no storage for, a file above 4 GB, and if writing fails; errors of an
    ///   entry's `bytes`. The old file is then kept.
    public static func write(path: String, entries: [Entry]) throws {
        var zip = AlignedZipWriter(file: try AtomicFile(path: path))
        try zip.add("archive/data.pkl", try pickle(of: entries, path: path))
        try zip.add("archive/byteorder", Array("little".utf8))
        for (index, entry) in entries.enumerated() { try zip.add("archive/data/\(index)", try entry.bytes()) }
        try zip.add("archive/version", Array("3\n".utf8))
        try zip.finish()
    }

    private static let storages: [ElementType: String] = [
        .bool: "BoolStorage", .u8: "ByteStorage", .i8: "CharStorage", .i16: "ShortStorage",
        .i32: "IntStorage",
        .i64: "LongStorage", .f16: "HalfStorage", .bf16: "BFloat16Storage", .f32: "FloatStorage",
        .f64: "DoubleStorage",
    ]

    /// Pickle of a dictionary whose tensors have one storage each, protocol 2.
    private static func pickle(of entries: [Entry], path: String) throws -> [UInt8] {
        var out = Pickle()
        out.put(0x80, 2)
        out.opcode(.emptyDictionary)
        for (index, entry) in entries.enumerated() {
            guard let storage = storages[entry.dtype] else {
                throw FileError(
                    path: path,
                    what:
                        "the tensor \"\(entry.name)\" has the type \(entry.dtype.rawValue), for which PyTorch has no storage",
                    advice: "Convert it to F32.")
            }
            out.text(entry.name)
            out.global("torch._utils", "_rebuild_tensor_v2")
            out.opcode(.mark)
            out.opcode(.mark)
            out.text("storage")
            out.global("torch", storage)
            out.text("\(index)")
            out.text("cpu")
            out.integer(entry.shape.reduce(1, *))
            out.opcode(.tuple)
            out.opcode(.binPersistentID)
            out.integer(0)
            out.integers(entry.shape)
            var stride = 1
            out.integers(
                entry.shape.reversed().map { side in
                    defer { stride *= max(1, side) }
                    return stride
                }.reversed())
            out.opcode(.newFalse)
            out.global("collections", "OrderedDict")
            out.opcode(.emptyTuple)
            out.opcode(.reduce)
            out.opcode(.tuple)
            out.opcode(.reduce)
            out.opcode(.setItem)
        }
        out.opcode(.stop)
        return out.bytes
    }

    private struct Pickle {
        var bytes: [UInt8] = []

        mutating func put(_ values: UInt8...) { bytes += values }
        mutating func opcode(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }
        mutating func global(_ module: String, _ name: String) {
            opcode(.global)
            bytes += Array("\(module)\n\(name)\n".utf8)
        }
        mutating func text(_ text: String) {
            opcode(.binUnicode)
            bytes += UInt32(text.utf8.count).littleEndianBytes + Array(text.utf8)
        }
        mutating func integer(_ value: Int) {
            opcode(.long1)
            bytes += [8] + Int64(value).littleEndianBytes
        }
        mutating func integers(_ values: [Int]) {
            opcode(.mark)
            for value in values { integer(value) }
            opcode(.tuple)
        }
    }
}

/// Writer of zip archives as PyTorch writes them: stored entries at multiples of 64 bytes, without zip64.
private struct AlignedZipWriter {
    private let file: AtomicFile
    private var directory: [UInt8] = []
    private var count = 0

    init(file: AtomicFile) { self.file = file }

    private func two(_ value: Int) -> [UInt8] { UInt16(value).littleEndianBytes }
    private func four(_ value: Int) -> [UInt8] { UInt32(value).littleEndianBytes }

    /// Adds an entry.
    /// - Throws: `FileError` if the archive exceeds 4 GB or writing fails.
    mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        let offset = file.count
        guard offset + bytes.count + 4096 < Int(UInt32.max), count < 60_000 else {
            throw FileError(
                path: file.path, what: "the file would exceed 4 GB", advice: "Write a safetensors file.")
        }
        let crc = bytes.withUnsafeBytes { Int(Digest.crc32($0)) }
        let sizes = four(crc) + four(bytes.count) + four(bytes.count)
        // Version, flags (UTF-8 names), no compression, time and date (1980-01-01).
        let common = two(20) + two(0x800) + two(0) + four(0x21_0000)
        // PyTorch maps storages, which begin at multiples of 64 bytes.
        let start = offset + 30 + name.utf8.count + 4
        let padding = (64 - start % 64) % 64
        let extra = two(0x4246) + two(padding) + [UInt8](repeating: 0x5A, count: padding)
        let lengths = two(name.utf8.count)
        try file.write(
            four(0x0403_4B50) + common + sizes + lengths + two(extra.count) + Array(name.utf8) + extra)
        try file.write(bytes)
        directory +=
            four(0x0201_4B50) + two(20) + common + sizes + lengths
            + [UInt8](repeating: 0, count: 12) + four(offset) + Array(name.utf8)
        count += 1
    }

    /// Writes the directory and replaces the file.
    /// - Throws: `FileError`.
    func finish() throws {
        let start = file.count
        try file.write(directory)
        try file.write(
            four(0x0605_4B50) + [0, 0, 0, 0] + two(count) + two(count) + four(directory.count) + four(start)
                + [0, 0])
        try file.commit()
    }
}
