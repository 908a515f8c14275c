import Files

/// A safetensors file. Opening validates the header; tensors are read on demand.
///
/// Format: https://github.com/huggingface/safetensors.
public struct TensorFile: Sendable {
    private let file: SafetensorsFile

    /// Metadata strings of the file by key.
    public var metadata: [String: String] { file.metadata }

    /// Names of the tensors, in the order of the file.
    public var names: [String] { file.entries.map(\.name) }

    /// Whether the file has a checksum, as files that FaceGAN writes.
    public var hasChecksum: Bool { file.digest != nil }

    /// Opens a file and validates its header. Tensors are not read.
    /// - Throws: `FileError` if the file cannot be read, violates the format or contains an unsupported element type.
    public init(path: String) throws {
        file = try SafetensorsFile(path: path)
        for entry in file.entries {
            _ = try DType(entry.dtype, of: entry.name, in: path)
        }
    }

    /// Shape of a tensor, from the header; nil if the file has no tensor with that name.
    public func shape(of name: String) -> [Int]? { file[name]?.shape }

    /// Reads one tensor to the CPU, in its shape and dtype; nil if the file has no tensor with that name.
    /// - Throws: `FileError` if the file cannot be read or a Bool element is neither 0 nor 1; `TorchError.outOfMemory`.
    public func tensor(_ name: String) throws -> Tensor? {
        try file[name].map { entry in try recoveringFromOutOfMemory { try read(entry) } }
    }

    /// Compares the file with the SHA-256 checksum in its metadata.
    /// - Throws: `FileError` if they differ or if the file has no checksum.
    public func verify() throws { try file.verify() }

    private func read(_ entry: SafetensorsFile.Entry) throws -> Tensor {
        let path = file.file.path
        let dtype = try DType(entry.dtype, of: entry.name, in: path)
        return try file.file.withBytes(entry.range) { bytes in
            // Kernels assume 0 or 1 without a check.
            if dtype == .bool, bytes.contains(where: { $0 > 1 }) {
                throw FileError(
                    path: path, what: "the Bool tensor \"\(entry.name)\" has values other than 0 and 1",
                    advice: "The file is damaged. Download or copy it again.")
            }
            return Tensor(copying: bytes, shape: entry.shape, dtype: dtype)
        }
    }

    /// Reads all tensors to the CPU, in their shapes and dtypes, after verifying the checksum if the file has one.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - requiringChecksum: reject a file without a checksum, such as those that other programs write.
    /// - Returns: the tensors in the order of the file, and the metadata.
    /// - Throws: `FileError` if the file is damaged, has another format or lacks a required checksum;
    ///   `TorchError.outOfMemory`.
    public static func read(_ path: String, requiringChecksum: Bool = false) throws -> (
        tensors: [(name: String, tensor: Tensor)], metadata: [String: String]
    ) {
        let opened = try TensorFile(path: path)
        if requiringChecksum || opened.hasChecksum { try opened.verify() }
        let tensors = try recoveringFromOutOfMemory {
            try opened.file.entries.map { ($0.name, try opened.read($0)) }
        }
        return (tensors, opened.metadata)
    }

    /// Writes tensors in the given order and replaces the file atomically. At most one tensor is copied to the host
    /// at a time.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - tensors: names and tensors of any shape, dtype and device.
    ///   - metadata: strings by key.
    /// - Returns: the SHA-256 checksum of the content, in hexadecimal, which is also stored in the metadata.
    /// - Throws: `FileError` if writing fails; `TorchError.outOfMemory` if a tensor is poisoned or memory runs out. An
    ///   existing file is then unchanged.
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
        .outOfMemory("the tensor \"\(name)\" was not computed, so it cannot be written")
    }
}

extension DType {
    /// The corresponding element type of a file.
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

    /// The dtype for an element type of a file.
    /// - Throws: `FileError`, which names the tensor and the path, if tensors do not support the type.
    init(_ type: ElementType, of name: String, in path: String) throws {
        guard let dtype = Self.allCases.first(where: { $0.elementType == type }) else {
            let known = Self.allCases.map(\.elementType.rawValue).joined(separator: " ")
            throw FileError(
                path: path, what: "the tensor \"\(name)\" has the unsupported element type \(type.rawValue)",
                advice: "Convert it to one of \(known).")
        }
        self = dtype
    }
}

/// Reader for state dictionaries that `torch.save` wrote, in the ZIP or the legacy format. Executes no code.
public enum PyTorchStateDictionary {
    /// Writes tensors in the format of `torch.save` since PyTorch 1.6.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - tensors: names and tensors of any shape, dtype and device.
    /// - Throws: `FileError` if writing fails or the file would exceed 4 GB; `TorchError.outOfMemory` if a tensor is poisoned. An
    ///   existing file is then unchanged.
    public static func write(_ path: String, tensors: [(name: String, tensor: Tensor)]) throws {
        let entries = try tensors.map { name, tensor in
            guard !tensor.isPoisoned else {
                throw TorchError.outOfMemory(
                    "the tensor \"\(name)\" was not computed, so it cannot be written")
            }
            return PyTorchWriter.Entry(
                name: name, dtype: tensor.dtype.elementType, shape: tensor.shape
            ) { tensor.detached().to(.cpu).contiguous().bytes() }
        }
        try PyTorchWriter.write(path: path, entries: entries)
    }

    /// Reads tensors to the CPU, in their shapes and dtypes and in the order of the file.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - isWanted: whether to read the tensor with a given key. Other tensors are skipped without a copy.
    /// - Returns: tensors with their keys; keys of nested dictionaries are joined by dots.
    /// - Throws: `FileError` if the file is damaged, has another format, or contains anything other than tensors,
    ///   containers, numbers and strings; the error names it. `TorchError.outOfMemory`.
    public static func read(_ path: String, where isWanted: (String) -> Bool = { _ in true }) throws
        -> [(name: String, tensor: Tensor)]
    {
        try read(PyTorchFile(path: path), where: isWanted)
    }

    /// Reads tensors of an open file to the CPU; see `read(_:where:)`.
    /// - Throws: `FileError` if the file cannot be read or a tensor has an unsupported type; `TorchError.outOfMemory`.
    public static func read(_ file: PyTorchFile, where isWanted: (String) -> Bool = { _ in true }) throws
        -> [(name: String, tensor: Tensor)]
    {
        let wanted = file.tensors.filter { isWanted($0.name) }
        let dtypes = try wanted.map { try DType($0.tensor.dtype, of: $0.name, in: file.path) }
        return try recoveringFromOutOfMemory {
            try zip(wanted, dtypes).map { item, dtype in
                let bytes = try item.tensor.contiguousBytes()
                return (item.name, Tensor(bytes: bytes, shape: item.tensor.shape, dtype: dtype))
            }
        }
    }
}
