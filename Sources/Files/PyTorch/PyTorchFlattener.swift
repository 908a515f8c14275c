/// Conversion of nested dictionaries and lists into a list of named tensors, with limits.
///
/// A small pickle can describe a tree of exponential size by referring to the same branch twice on each level.
struct PyTorchFlattener {
    private(set) var tensors: [(name: String, tensor: PyTorchFile.Record)] = []
    private(set) var scalars: [String: PyTorchFile.Scalar] = [:]
    /// Names of the nested dictionaries and lists, in the order of the file.
    private(set) var containers: [String] = []

    private let content: PyTorchFile.Content
    private let path: String
    private var names = Set<String>()
    private var visits = 0
    private var nameBytes = 0
    private var tensorBytes = 0

    private static let depthLimit = 64
    private static let visitLimit = 2_000_000
    private static let nameLimit = 4096
    private static let nameBytesLimit = 64 << 20
    /// Limits of the total size of all tensors: a multiple of the stored bytes, because weights can be shared, plus a
    /// constant, because small tensors can be expanded.
    private static let shareLimit = 8
    private static let expansionLimit = 64 << 20

    init(_ content: PyTorchFile.Content, path: String) {
        self.content = content
        self.path = path
    }

    mutating func flatten() throws {
        try visit(content.root, name: "", depth: 0)
    }

    private mutating func visit(_ value: PickleValue, name: String, depth: Int) throws {
        visits += 1
        nameBytes += name.utf8.count
        guard depth <= Self.depthLimit, visits <= Self.visitLimit, name.utf8.count <= Self.nameLimit,
            nameBytes <= Self.nameBytesLimit
        else { throw tooLarge("exceeds the limits of depth or number of entries of a state dictionary") }
        switch value {
        case .tensor(let index):
            let name = depth == 0 ? "tensor" : name
            try claim(name)
            tensors.append((name, try record(content.tensors[index], name)))
        case .container(let index):
            let container = content.containers[index]
            if depth > 0 { containers.append(name) }
            if container.kind == .dictionary {
                for i in stride(from: 0, to: container.items.count, by: 2) {
                    let key = try key(container.items[i], in: name)
                    try visit(container.items[i + 1], name: join(name, key, depth), depth: depth + 1)
                }
            } else {
                for (i, item) in container.items.enumerated() {
                    try visit(item, name: join(name, String(i), depth), depth: depth + 1)
                }
            }
        case .bool(let value): try keep(.bool(value), name)
        case .integer(let value): try keep(.integer(value), name)
        case .real(let value): try keep(.real(value), name)
        case .text(let value): try keep(.text(value), name)
        case .none, .big, .bytes, .global, .storage: break
        }
    }

    private func join(_ name: String, _ key: String, _ depth: Int) -> String {
        depth == 0 ? key : name + "." + key
    }

    private func key(_ value: PickleValue, in name: String) throws -> String {
        switch value {
        case .text(let text): return text
        case .integer(let number): return String(number)
        default:
            throw FileError(
                path: path, what: "a key of the dictionary \"\(name)\" is neither a string nor an integer",
                advice: "Save only model.state_dict().")
        }
    }

    private mutating func keep(_ scalar: PyTorchFile.Scalar, _ name: String) throws {
        try claim(name)
        scalars[name] = scalar
    }

    private mutating func claim(_ name: String) throws {
        guard names.insert(name).inserted else {
            throw FileError.broken(path, "the name \"\(name)\" occurs twice")
        }
    }

    private mutating func record(_ tensor: PickleTensor, _ name: String) throws -> PyTorchFile.Record {
        let record = PyTorchFile.Record(
            dtype: tensor.dtype, shape: tensor.shape, strides: tensor.strides, storageOffset: tensor.offset,
            storage: content.sources[tensor.storage])
        let (sum, overflow) = tensorBytes.addingReportingOverflow(record.byteCount)
        guard !overflow, sum <= budget else {
            throw tooLarge("describes far more elements than it stores, at \"\(name)\"")
        }
        tensorBytes = sum
        return record
    }

    private lazy var budget: Int = {
        // Views of a storage are counted once.
        let blocks = Dictionary(content.storages.map { ($0.key, $0.blockByteCount ?? 0) }) { max($0, $1) }
        return blocks.values.reduce(Self.expansionLimit) { sum, size in
            let (share, overflow) = size.multipliedReportingOverflow(by: Self.shareLimit)
            let (total, carry) = sum.addingReportingOverflow(share)
            return overflow || carry ? .max : total
        }
    }()

    private func tooLarge(_ what: String) -> FileError {
        FileError(
            path: path, what: "the file " + what,
            advice: "Save model.state_dict() with contiguous tensors.")
    }
}
