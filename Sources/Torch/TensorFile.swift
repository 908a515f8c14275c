import Files

/// A safetensors file of tensors: opened and checked at once, read tensor by tensor.
///
/// Order is the file's. Format: https://github.com/huggingface/safetensors.
public struct TensorFile: Sendable {
    private let file: SafetensorsFile

    /// Free texts that came with the tensors.
    public var metadata: [String: String] { file.metadata }

    /// Names of the tensors.
    public var names: [String] { file.entries.map(\.name) }

    /// Opens a file; no tensor is read yet.
    /// - Throws: `FileError` if the file breaks the format or holds a type of numbers that tensors here cannot have.
    public init(path: String) throws {
        file = try SafetensorsFile(path: path)
        for entry in file.entries {
            _ = try DType(entry.dtype, of: entry.name, in: path)
        }
    }

    /// The shape of a tensor, unread; nil if there is none of that name.
    public func shape(of name: String) -> [Int]? { file[name]?.shape }

    /// Reads one tensor to the CPU; nil if there is none of that name.
    /// - Throws: `FileError` if its content cannot be, `TorchError.outOfMemory`.
    public func tensor(_ name: String) throws -> Tensor? {
        try file[name].map { entry in try recoveringFromOutOfMemory { try read(entry) } }
    }

    /// Compares the whole file with the checksum that it carries.
    /// - Throws: `FileError` if they differ, or if the file carries none.
    public func verify() throws { try file.verify() }

    private func read(_ entry: SafetensorsFile.Entry) throws -> Tensor {
        let path = file.file.path
        let dtype = try DType(entry.dtype, of: entry.name, in: path)
        return try file.file.withBytes(entry.range) { bytes in
            // Kernels take truth values for 0 or 1 without looking.
            if dtype == .bool, bytes.contains(where: { $0 > 1 }) {
                throw FileError(
                    path: path, what: "the tensor \"\(entry.name)\" has truth values other than 0 and 1",
                    advice: "The file is damaged; get it again.")
            }
            return Tensor(copying: bytes, shape: entry.shape, dtype: dtype)
        }
    }

    /// Reads every tensor to the CPU, after comparing the file with its checksum if it carries one.
    /// - Parameter requiringChecksum: refuse a file that carries none, as those of other programs.
    /// - Throws: `FileError` if the file is damaged or of another format, `TorchError.outOfMemory`.
    public static func read(_ path: String, requiringChecksum: Bool = false) throws -> (
        tensors: [(name: String, tensor: Tensor)], metadata: [String: String]
    ) {
        let opened = try TensorFile(path: path)
        if requiringChecksum || opened.file.digest != nil { try opened.verify() }
        let tensors = try recoveringFromOutOfMemory {
            try opened.file.entries.map { ($0.name, try opened.read($0)) }
        }
        return (tensors, opened.metadata)
    }

    /// Writes tensors in the order given, atomically, one at a time: only one is copied to the host at once.
    /// - Returns: the checksum that the file now carries, SHA-256 in hexadecimal.
    /// - Throws: `FileError` if writing fails, `TorchError.outOfMemory` if a tensor was never computed for want of
    ///   memory; the old file is then untouched.
    @discardableResult
    public static func write(
        _ path: String, tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]
    ) throws -> String {
        let entries = try tensors.map { name, tensor in
            guard !tensor.isPoisoned else { throw lost(name) }
            return SafetensorsWriter.Entry(
                name: name, dtype: tensor.dtype.elementType, shape: tensor.shape
            ) { sink in
                let host = tensor.detached().to(.cpu).contiguous()
                guard !host.isPoisoned else { throw lost(name) }
                try host.withBytes(sink)
            }
        }
        return try SafetensorsWriter.write(path: path, metadata: metadata, entries: entries)
    }

    private static func lost(_ name: String) -> TorchError {
        .outOfMemory("the tensor \"\(name)\" was not computed and cannot be written")
    }
}

extension DType {
    /// The same type under the name that files use.
    var elementType: ElementType {
        switch self {
        case .uint8: .u8
        case .int8: .i8
        case .int16: .i16
        case .int32: .i32
        case .int64: .i64
        case .float16: .f16
        case .float32: .f32
        case .float64: .f64
        case .bool: .bool
        case .bfloat16: .bf16
        }
    }

    /// The type of a tensor in a file.
    init(_ type: ElementType, of name: String, in path: String) throws {
        guard let dtype = Self.allCases.first(where: { $0.elementType == type }) else {
            let known = Self.allCases.map(\.elementType.rawValue).joined(separator: " ")
            throw FileError(
                path: path, what: "the tensor \"\(name)\" has numbers of the type \(type.rawValue)",
                advice: "Convert it to one of \(known).")
        }
        self = dtype
    }
}

/// State dictionaries that PyTorch's `torch.save` wrote, in either of its formats; reading runs no code.
public enum PyTorchStateDictionary {
    /// Reads every tensor to the CPU, in the file's order, under its key; keys of nested dictionaries are joined by dots.
    /// - Parameter isWanted: the keys to read; the others cost nothing.
    /// - Throws: `FileError` if the file is damaged, is of another format, or holds anything but tensors, containers,
    ///   numbers and texts; the error names it. `TorchError.outOfMemory`.
    public static func read(_ path: String, where isWanted: (String) -> Bool = { _ in true }) throws
        -> [(name: String, tensor: Tensor)]
    {
        let wanted = try PyTorchFile(path: path).tensors.filter { isWanted($0.name) }
        let dtypes = try wanted.map { try DType($0.tensor.dtype, of: $0.name, in: path) }
        return try recoveringFromOutOfMemory {
            try zip(wanted, dtypes).map { item, dtype in
                let bytes = try item.tensor.contiguousBytes()
                return (item.name, Tensor(bytes: bytes, shape: item.tensor.shape, dtype: dtype))
            }
        }
    }
}
