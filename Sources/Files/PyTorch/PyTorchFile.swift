/// A state dictionary written by PyTorch's `torch.save`, in the zip format or the format before 1.6.
///
/// Reading never executes code: a restricted pickle interpreter builds tensors, dictionaries, lists, numbers and
/// strings, and rejects any other Python object. All ranges are validated when the file is opened, as are the
/// checksums of the zip format. The old format has no checksums.
public struct PyTorchFile: Sendable {
    /// Path of the file.
    public let path: String
    /// Tensors by name, in the order of the file. Keys of nested dictionaries and lists are joined by dots, such as
    /// `optimizer.state.0.exp_avg`. A file with a single tensor names it `tensor`.
    public let tensors: [(name: String, tensor: Record)]
    /// Numbers and strings by name. Names follow the same rules as those of the tensors.
    public let scalars: [String: Scalar]
    /// Names of the nested dictionaries, lists and tuples, by the same rules.
    public let containers: [String]
    private let index: [String: Int]

    /// Opens a file and reads its structure.
    /// - Throws: `FileError` if the file is damaged, was written on a big-endian machine, contains unsupported
    ///   objects, or is not a PyTorch file.
    public init(path: String) throws {
        self.path = path
        let file = try MappedFile(path: path)
        let isZip = try file.count >= 4 && file.withBytes(0..<4) { $0.u32(0) == 0x0403_4B50 }
        let content = try isZip ? Self.readZip(path: path) : Self.readLegacy(file)
        var flattener = PyTorchFlattener(content, path: path)
        try flattener.flatten()
        tensors = flattener.tensors
        scalars = flattener.scalars
        containers = flattener.containers
        index = Dictionary(uniqueKeysWithValues: flattener.tensors.enumerated().map { ($1.name, $0) })
    }

    /// The tensor with the given name; nil if there is none.
    public subscript(name: String) -> Record? { index[name].map { tensors[$0].tensor } }

    /// Content of a file in either format.
    struct Content {
        let root: PickleValue
        let containers: [PickleContainer]
        let tensors: [PickleTensor]
        let storages: [PickleStorage]
        /// One source per storage.
        let sources: [Source]

        init(root: PickleValue, machine: PickleMachine, sources: [Source]) {
            self.root = root
            containers = machine.containers
            tensors = machine.tensors
            storages = machine.storages
            self.sources = sources
        }
    }
}

extension PyTorchFile {
    /// Maximum size of the description of the tensors in bytes, without their elements: 64 MiB.
    private static let pickleLimit = 64 << 20

    /// Reads the format since 1.6: `NAME/data.pkl`, `NAME/data/KEY` for each storage, `NAME/byteorder`.
    static func readZip(path: String) throws -> Content {
        let archive = try ZipArchive(path: path)
        let entries = Dictionary(archive.entries.map { ($0.name, $0) }) { first, _ in first }
        guard entries.count == archive.entries.count else {
            throw FileError.broken(path, "two entries of the archive have the same name")
        }
        let pickles = archive.entries.filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
        guard pickles.count == 1 else {
            throw FileError(
                path: path,
                what: "the zip archive is not a PyTorch file: it has \(pickles.count) entries named data.pkl",
                advice: "Expected a file written by torch.save.")
        }
        let prefix = String(pickles[0].name.dropLast("data.pkl".count))
        guard entries[prefix + "constants.pkl"] == nil else {
            throw FileError(
                path: path, what: "the file is a TorchScript program, which is not supported",
                advice: "Save its weights in Python: torch.save(torch.jit.load(path).state_dict(), other).")
        }
        for entry in archive.entries { try archive.check(entry) }
        if let order = entries[prefix + "byteorder"] {
            let text = String(decoding: try archive.read(order, limit: 64), as: UTF8.self)
            guard text == "little" else { throw bigEndian(path, text) }
        }
        let pickle = try archive.read(pickles[0], limit: pickleLimit)
        let (root, machine) = try pickle.withUnsafeBytes {
            var machine = PickleMachine($0, path: path)
            let root = try machine.run()
            guard machine.position == pickle.count else {
                throw machine.broken("other data follows the pickle")
            }
            return (root, machine)
        }
        let sources = try machine.storages.map { storage -> Source in
            guard let entry = entries[prefix + "data/" + storage.key], storage.blockByteCount == entry.size
            else {
                throw FileError.broken(path, "the storage \"\(storage.key)\" is missing or has another size")
            }
            guard let range = try archive.storedRange(entry), let part = storage.byteRange else {
                return .packed(archive, entry)
            }
            return .mapped(
                archive.file, range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
        }
        return Content(root: root, machine: machine, sources: sources)
    }

    static func bigEndian(_ path: String, _ order: String) -> FileError {
        FileError(
            path: path,
            what:
                "the byte order of the file is \"\(order)\", but only little-endian files are supported",
            advice: "Load it with PyTorch and save it on a little-endian machine.")
    }
}

extension PickleStorage {
    /// Bytes of the whole storage; nil on overflow.
    var blockByteCount: Int? {
        let (bytes, overflow) = blockCount.multipliedReportingOverflow(by: dtype?.byteCount ?? 1)
        return overflow ? nil : bytes
    }

    /// Byte range of this view in the storage; nil on overflow.
    var byteRange: Range<Int>? {
        let size = dtype?.byteCount ?? 1
        return blockByteCount.map { _ in start * size..<(start + count) * size }
    }
}

extension PyTorchFile {
    /// The magic number 0x1950A86A20F9469CFC6C of the old format, little-endian.
    static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// Reads the format before 1.6.
    ///
    /// It consists of five pickles (magic number, protocol, system, object, keys of the storages), followed by the
    /// number of elements and the elements of each storage.
    static func readLegacy(_ file: MappedFile) throws -> Content {
        try file.withBytes(file.all) { bytes in
            var position = 0
            func next() throws -> (PickleValue, PickleMachine) {
                var machine = PickleMachine(bytes, at: position, path: file.path)
                let value = try machine.run()
                position = machine.position
                return (value, machine)
            }
            guard bytes.count >= 2, bytes.u8(0) == 0x80 else {
                throw FileError.mismatch(file, expected: "a file written by torch.save")
            }
            let (first, firstMachine) = try next()
            if !firstMachine.embedded.isEmpty { return try readPersistent(first, firstMachine, file) }
            guard case .big(magic) = first else {
                throw FileError.mismatch(file, expected: "a file written by torch.save")
            }
            guard case .integer(1001) = try next().0 else {
                throw FileError.broken(file.path, "the version of PyTorch's format is unknown")
            }
            try checkSystem(try next(), file.path)
            let (root, machine) = try next()
            let (keyList, keyMachine) = try next()
            let keys = try keyMachine.items(.list, keyList).map { value -> String in
                guard case .text(let key) = value else { throw keyMachine.broken("a key is not a string") }
                return key
            }
            let blocks = try locate(keys, machine, bytes, from: position, file.path)
            let sources = try machine.storages.map { storage -> Source in
                guard let block = blocks[storage.key], let part = storage.byteRange else {
                    throw FileError.broken(file.path, "the storage \"\(storage.key)\" is missing")
                }
                return .mapped(file, block + part.lowerBound..<block + part.upperBound)
            }
            return Content(root: root, machine: machine, sources: sources)
        }
    }

    private static func checkSystem(_ system: (PickleValue, PickleMachine), _ path: String) throws {
        let items = try system.1.items(.dictionary, system.0)
        for i in stride(from: 0, to: items.count, by: 2) {
            if case .text("little_endian") = items[i], case .bool(false) = items[i + 1] {
                throw bigEndian(path, "big")
            }
        }
    }

    /// Returns the byte offset of each storage.
    private static func locate(
        _ keys: [String], _ machine: PickleMachine, _ bytes: UnsafeRawBufferPointer, from start: Int,
        _ path: String
    ) throws -> [String: Int] {
        let known = Dictionary(machine.storages.map { ($0.key, $0) }) { first, _ in first }
        for storage in machine.storages {
            guard known[storage.key]?.blockCount == storage.blockCount,
                known[storage.key]?.dtype == storage.dtype
            else {
                throw FileError.broken(
                    path,
                    "the storage \"\(storage.key)\" has two different descriptions")
            }
        }
        var blocks: [String: Int] = [:]
        var position = start
        for key in keys {
            guard let storage = known[key], blocks[key] == nil, bytes.count - position >= 8,
                bytes.u64(position) == storage.blockCount, let size = storage.blockByteCount,
                size <= bytes.count - position - 8
            else { throw FileError.broken(path, "the storage \"\(key)\" is incomplete or has another size") }
            blocks[key] = position + 8
            position += 8 + size
        }
        guard position == bytes.count else {
            throw FileError.broken(path, "\(bytes.count - position) bytes follow the last storage")
        }
        return blocks
    }
}

extension PyTorchFile {
    /// A tensor in a file: element type, layout and location.
    public struct Record: Sendable {
        /// Element type.
        public let dtype: ElementType
        /// Dimensions, slowest first; empty for a scalar.
        public let shape: [Int]
        /// Strides of the dimensions, in elements.
        public let strides: [Int]
        /// Offset of the first element in the storage, in elements.
        public let storageOffset: Int
        let storage: Source

        /// Size in bytes when contiguous.
        public var byteCount: Int { dtype.byteCount(shape: shape) ?? 0 }

        /// Returns the elements in row-major order: little-endian, contiguous, booleans as 0 and 1.
        /// - Throws: `FileError` if the file cannot be read.
        public func contiguousBytes() throws -> [UInt8] {
            guard byteCount > 0 else { return [] }
            var bytes =
                switch storage {
                case .mapped(let file, let range): try file.withBytes(range) { gather($0) }
                case .packed(let archive, let entry): try archive.read(entry).withUnsafeBytes { gather($0) }
                }
            if dtype == .bool { for i in bytes.indices where bytes[i] > 1 { bytes[i] = 1 } }
            return bytes
        }

        private func gather(_ source: UnsafeRawBufferPointer) -> [UInt8] {
            let size = dtype.byteCount
            // The range was validated when the file was opened. This check protects against reading out of bounds.
            let reach = zip(shape, strides).reduce(storageOffset) { $0 + ($1.0 - 1) * $1.1 }
            precondition(
                (reach + 1) * size <= source.count,
                "PyTorchFile: expected a tensor inside its storage")
            if isContiguous { return Array(source[storageOffset * size..<storageOffset * size + byteCount]) }
            let (row, step) = (shape.last ?? 1, strides.last ?? 1)
            return [UInt8](unsafeUninitializedCapacity: byteCount) { result, count in
                let target = UnsafeMutableRawPointer(result.baseAddress!)
                var index = [Int](repeating: 0, count: max(shape.count - 1, 0))
                var start = storageOffset
                while count < byteCount {
                    for column in 0..<row {
                        let from = source.baseAddress! + (start + column * step) * size
                        (target + count).copyMemory(from: from, byteCount: size)
                        count += size
                    }
                    // Advances to the next row, starting with the last but one dimension.
                    for axis in index.indices.reversed() {
                        index[axis] += 1
                        start += strides[axis]
                        if index[axis] < shape[axis] { break }
                        start -= strides[axis] * shape[axis]
                        index[axis] = 0
                    }
                }
            }
        }

        private var isContiguous: Bool {
            var expected = 1
            for (side, stride) in zip(shape, strides).reversed() where side != 1 {
                guard stride == expected else { return false }
                expected *= side
            }
            return true
        }
    }

    /// Location of the bytes of a storage.
    enum Source: Sendable {
        case mapped(MappedFile, Range<Int>)
        case packed(ZipArchive, ZipArchive.Entry)
    }

    /// A number or string in a file.
    public enum Scalar: Sendable, Equatable {
        /// A boolean.
        case bool(Bool)
        /// An integer of up to 64 bits.
        case integer(Int)
        /// A floating-point number.
        case real(Double)
        /// A string.
        case text(String)
    }
}
