/// A state dictionary that PyTorch's `torch.save` wrote, in the zip format or in the one from before 1.6.
///
/// Reading runs no code: a restricted pickle machine builds tensors, dictionaries, lists, numbers and texts, and any
/// other Python object is refused by its name. Every range is checked when the file is opened, the checksums of the
/// zip format too; the old format has none.
public struct PyTorchFile: Sendable {
    public let path: String
    /// The tensors in the file's order, named by their keys. Names of nested dictionaries and lists are joined by
    /// dots: `optimizer.state.0.exp_avg`. A file that holds one tensor alone calls it `tensor`.
    public let tensors: [(name: String, tensor: Record)]
    /// Numbers and texts beside the tensors, named alike.
    public let scalars: [String: Scalar]
    private let index: [String: Int]

    /// - Throws: `FileError` if the file is damaged, was written on a big-endian machine, holds other objects than
    ///   those above, or is no PyTorch file.
    public init(path: String) throws {
        self.path = path
        let file = try MappedFile(path: path)
        let isZip = try file.count >= 4 && file.withBytes(0..<4) { $0.u32(0) == 0x0403_4B50 }
        let content = try isZip ? Self.readZip(path: path) : Self.readLegacy(file)
        var flattener = PyTorchFlattener(content, path: path)
        try flattener.flatten()
        tensors = flattener.tensors
        scalars = flattener.scalars
        index = Dictionary(uniqueKeysWithValues: flattener.tensors.enumerated().map { ($1.name, $0) })
    }

    /// The tensor of that name, if there is one.
    public subscript(name: String) -> Record? { index[name].map { tensors[$0].tensor } }

    /// What either format comes to.
    struct Content {
        let root: PickleValue
        let containers: [PickleContainer]
        let tensors: [PickleTensor]
        let storages: [PickleStorage]
        /// One for each storage.
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
    /// The most that the description of the tensors may take: 64 MiB. Their numbers are not in it.
    private static let pickleLimit = 64 << 20

    /// The format since 1.6: `NAME/data.pkl`, `NAME/data/KEY` for each storage, `NAME/byteorder`.
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
                what: "the zip archive is no PyTorch file: it has \(pickles.count) entries data.pkl",
                advice: "Name a file that torch.save wrote.")
        }
        let prefix = String(pickles[0].name.dropLast("data.pkl".count))
        guard entries[prefix + "constants.pkl"] == nil else {
            throw FileError(
                path: path, what: "the file is a TorchScript program, which is refused",
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
            guard machine.position == pickle.count else { throw machine.broken("something follows its end") }
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
            path: path, what: "the file's byte order is \"\(order)\", and only little-endian files are read",
            advice: "Load and save it again on an ordinary machine.")
    }
}

extension PickleStorage {
    /// Bytes of the whole block; `nil` if the number does not fit.
    var blockByteCount: Int? {
        let (bytes, overflow) = blockCount.multipliedReportingOverflow(by: dtype?.byteCount ?? 1)
        return overflow ? nil : bytes
    }

    /// Where this part's bytes are in the block; `nil` if the number does not fit.
    var byteRange: Range<Int>? {
        let size = dtype?.byteCount ?? 1
        return blockByteCount.map { _ in start * size..<(start + count) * size }
    }
}

extension PyTorchFile {
    /// 0x1950A86A20F9469CFC6C, which PyTorch writes first.
    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// The format before 1.6: five pickles (magic number, protocol, system, object, keys of the storages), then for
    /// each key the count of its numbers and the numbers.
    static func readLegacy(_ file: MappedFile) throws -> Content {
        try file.withBytes(file.all) { bytes in
            var position = 0
            func next() throws -> (PickleValue, PickleMachine) {
                var machine = PickleMachine(bytes, at: position, path: file.path)
                let value = try machine.run()
                position = machine.position
                return (value, machine)
            }
            guard bytes.count >= 2, bytes.u8(0) == 0x80, case .big(magic) = try next().0 else {
                throw FileSignature.mismatch(file, expected: "a file that torch.save wrote")
            }
            guard case .integer(1001) = try next().0 else {
                throw FileError.broken(file.path, "an unknown version of PyTorch's format")
            }
            try checkSystem(try next(), file.path)
            let (root, machine) = try next()
            let (keyList, keyMachine) = try next()
            let keys = try keyMachine.items(.list, keyList).map { value -> String in
                guard case .text(let key) = value else { throw keyMachine.broken("a key that is no text") }
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

    /// Where the bytes of each block begin.
    private static func locate(
        _ keys: [String], _ machine: PickleMachine, _ bytes: UnsafeRawBufferPointer, from start: Int,
        _ path: String
    ) throws -> [String: Int] {
        let known = Dictionary(machine.storages.map { ($0.key, $0) }) { first, _ in first }
        for storage in machine.storages {
            guard known[storage.key]?.blockCount == storage.blockCount,
                known[storage.key]?.dtype == storage.dtype
            else { throw FileError.broken(path, "the storage \"\(storage.key)\" is described in two ways") }
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
    /// A tensor in the file: where its numbers are and how they lie.
    public struct Record: Sendable {
        public let dtype: ElementType
        /// The sides, slowest first; empty for a single number.
        public let shape: [Int]
        /// The step from one number to the next along each side, in numbers.
        public let strides: [Int]
        /// Where the first number stands in the storage, in numbers.
        public let storageOffset: Int
        let storage: Source

        /// The size when contiguous.
        public var byteCount: Int { dtype.byteCount(shape: shape) ?? 0 }

        /// The numbers: little-endian, contiguous, row by row; truth values as 0 and 1.
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
            // Proven when the file was opened; a storage shorter than that must not be read.
            let reach = zip(shape, strides).reduce(storageOffset) { $0 + ($1.0 - 1) * $1.1 }
            precondition((reach + 1) * size <= source.count, "PyTorchFile: a tensor ends after its storage")
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
                    // The next row: count up from the last but one side.
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

    /// Where a storage's bytes are.
    enum Source: Sendable {
        case mapped(MappedFile, Range<Int>)
        case packed(ZipArchive, ZipArchive.Entry)
    }

    /// A number or text beside the tensors.
    public enum Scalar: Sendable, Equatable {
        case bool(Bool)
        case integer(Int)
        case real(Double)
        case text(String)
    }
}
