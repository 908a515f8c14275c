/// A value of the pickle interpreter.
///
/// Containers, storages and tensors are indices into arrays of the interpreter. Values therefore own no other values:
/// cycles do not leak, and deep nesting does not cause recursive deallocation.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer of more than 64 bits, little-endian.
    case big([UInt8])
    case real(Double)
    case text(String)
    /// Range in the pickle.
    case bytes(Range<Int>)
    case container(Int)
    case storage(Int)
    case tensor(Int)
    case global(PickleGlobal)
}

/// A tuple, list or dictionary.
struct PickleContainer {
    enum Kind { case tuple, list, dictionary }

    let kind: Kind
    /// Elements; for a dictionary, keys and values alternate.
    var items: [PickleValue]
}

/// Python objects that a state dictionary may refer to. All others are rejected.
enum PickleGlobal {
    case orderedDictionary
    /// `collections.Counter`, a dictionary of numbers.
    case counter
    /// `set` and `frozenset`, which are read as lists.
    case set
    case rebuildTensor, rebuildTensorV2, rebuildTensorV3
    case rebuildParameter, rebuildParameterWithState
    case size, device
    /// A network or other object of NVlabs' programs, `torch_utils.persistence`. Its source text is ignored.
    case persistentObject
    /// `torch.storage._load_from_bytes`: a storage inside the pickle.
    case storageFromBytes
    /// `dnnlib.util.EasyDict`, a dictionary.
    case easyDictionary
    /// A type or number of NumPy, which is not used.
    case numpy
    /// A storage type; nil for untyped storage.
    case storage(ElementType?)
    case dtype(ElementType)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("collections", "Counter"): self = .counter
        case ("builtins", "set"), ("__builtin__", "set"), ("builtins", "frozenset"),
            ("__builtin__", "frozenset"):
            self = .set
        case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorV3
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch._utils", "_rebuild_parameter_with_state"): self = .rebuildParameterWithState
        case ("torch_utils.persistence", "_reconstruct_persistent_obj"): self = .persistentObject
        case ("torch.storage", "_load_from_bytes"): self = .storageFromBytes
        case ("dnnlib.util", "EasyDict"), ("dnnlib", "EasyDict"): self = .easyDictionary
        case ("numpy", "dtype"), ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"):
            self = .numpy
        case ("torch", "Size"): self = .size
        case ("torch", "device"): self = .device
        case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"): self = .storage(nil)
        case ("torch", _), ("torch.cuda", _):
            if let type = Self.storages[name] {
                self = .storage(type)
            } else if module == "torch", let type = Self.dtypes[name] {
                self = .dtype(type)
            } else {
                return nil
            }
        default: return nil
        }
    }

    private static let storages: [String: ElementType] = [
        "BoolStorage": .bool, "ByteStorage": .u8, "CharStorage": .i8, "ShortStorage": .i16,
        "IntStorage": .i32,
        "LongStorage": .i64, "HalfStorage": .f16, "BFloat16Storage": .bf16, "FloatStorage": .f32,
        "DoubleStorage": .f64,
    ]

    private static let dtypes: [String: ElementType] = [
        "bool": .bool, "uint8": .u8, "int8": .i8, "uint16": .u16, "int16": .i16, "uint32": .u32,
        "int32": .i32,
        "uint64": .u64, "int64": .i64, "float16": .f16, "bfloat16": .bf16, "float32": .f32, "float64": .f64,
    ]
}

/// A storage, or a view of part of one.
struct PickleStorage {
    /// Name of the storage in the file.
    let key: String
    /// Element type; nil if counts are in bytes.
    let dtype: ElementType?
    /// Number of elements of the whole storage.
    let blockCount: Int
    /// First element of this view.
    let start: Int
    /// Number of elements of this view.
    let count: Int
}

/// A tensor described by a pickle, validated to be inside its storage.
struct PickleTensor {
    let storage: Int
    let dtype: ElementType
    let shape: [Int]
    let strides: [Int]
    let offset: Int
}

/// Functions that a state dictionary calls.
extension PickleMachine {
    mutating func call(_ function: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
        switch function {
        case .orderedDictionary: return try orderedDictionary(arguments)
        case .counter:
            guard let first = arguments.first else { return make(.dictionary, []) }
            _ = try items(.dictionary, first)
            return first
        case .set:
            guard let first = arguments.first else { return make(.list, []) }
            _ = try items(.list, first)
            return first
        case .rebuildTensor: return try tensor(arguments, count: 4)
        case .rebuildTensorV2: return try tensor(arguments, count: 6)
        case .rebuildTensorV3:
            guard arguments.count >= 7, case .global(.dtype(let dtype)) = arguments[6] else {
                throw broken("a tensor has no type")
            }
            return try tensor(arguments, count: 7, dtype: dtype)
        case .rebuildParameter, .rebuildParameterWithState:
            guard case .tensor? = arguments.first else { throw broken("a parameter has no tensor") }
            return arguments[0]
        case .size:
            guard arguments.count == 1 else { throw broken("a torch.Size is invalid") }
            _ = try items(.tuple, arguments[0])
            return arguments[0]
        case .device: return .none
        case .persistentObject: return try persistentObject(arguments)
        case .storageFromBytes: return try embeddedStorage(arguments)
        // A state can be assigned to a dictionary.
        case .easyDictionary, .numpy: return make(.dictionary, [])
        case .storage, .dtype: throw broken("a call of a value that is not a function")
        }
    }

    private mutating func orderedDictionary(_ arguments: [PickleValue]) throws -> PickleValue {
        guard let first = arguments.first else { return make(.dictionary, []) }
        // Python 2 passes the pairs as an argument.
        var flat: [PickleValue] = []
        for pair in try items(.list, first) {
            guard case .container(let index) = pair, containers[index].items.count == 2 else {
                throw broken("a key has no value")
            }
            flat += containers[index].items
        }
        return make(.dictionary, flat)
    }

    /// Returns the storage of a persistent ID: ("storage", type, key, location, count), with an optional view in the
    /// old format.
    mutating func persistent(_ id: PickleValue) throws -> PickleValue {
        let parts = try items(.tuple, id)
        guard (5...6).contains(parts.count), case .text("storage") = parts[0],
            case .global(.storage(let dtype)) = parts[1], case .text(let key) = parts[2],
            case .integer(let count) = parts[4], count >= 0, key.utf8.count <= 256
        else { throw broken("the description of a storage is invalid") }
        var (start, partCount, name) = (0, count, key)
        if parts.count == 6, case .container = parts[5] {
            let view = try items(.tuple, parts[5])
            guard view.count == 3, case .text(let viewKey) = view[0], case .integer(let offset) = view[1],
                case .integer(let size) = view[2], offset >= 0, size >= 0, offset <= count,
                size <= count - offset
            else { throw broken("the description of a storage view is invalid") }
            (start, partCount, name) = (offset, size, key + " " + viewKey)
        }
        let storage = PickleStorage(key: key, dtype: dtype, blockCount: count, start: start, count: partCount)
        guard let known = storageOf[name] else {
            storages.append(storage)
            storageOf[name] = storages.count - 1
            return .storage(storages.count - 1)
        }
        guard storages[known].dtype == dtype, storages[known].blockCount == count,
            storages[known].start == start, storages[known].count == partCount
        else { throw broken("the descriptions of the storage \"\(key)\" differ") }
        return .storage(known)
    }

    /// Creates a tensor from (storage, offset, shape, strides, ...).
    private mutating func tensor(_ arguments: [PickleValue], count: Int, dtype given: ElementType? = nil)
        throws
        -> PickleValue
    {
        guard arguments.count >= count, case .storage(let index) = arguments[0],
            case .integer(let offset) = arguments[1]
        else { throw broken("the description of a tensor is invalid") }
        let storage = storages[index]
        guard let dtype = given ?? storage.dtype else { throw broken("a tensor has no type") }
        let shape = try integers(arguments[2])
        let strides = try integers(arguments[3])
        let unit = storage.dtype == nil ? dtype.byteCount : 1
        guard given == nil || storage.dtype == nil || given == storage.dtype,
            Self.fits(shape, strides, offset, in: storage.count / unit), dtype.byteCount(shape: shape) != nil
        else {
            throw broken(
                "a tensor of shape \(shape), strides \(strides) and offset \(offset) exceeds its storage of "
                    + "\(storage.count) elements")
        }
        tensors.append(
            PickleTensor(storage: index, dtype: dtype, shape: shape, strides: strides, offset: offset))
        return .tensor(tensors.count - 1)
    }

    private func integers(_ value: PickleValue) throws -> [Int] {
        let items = try items(.tuple, value)
        guard items.count <= 64 else { throw broken("a tensor has \(items.count) dimensions, more than 64") }
        return try items.map {
            guard case .integer(let number) = $0, number >= 0 else {
                throw broken("a dimension or stride is negative")
            }
            return number
        }
    }

    /// Whether all elements of a tensor are inside a storage of `count` elements.
    private static func fits(_ shape: [Int], _ strides: [Int], _ offset: Int, in count: Int) -> Bool {
        guard shape.count == strides.count, offset >= 0 else { return false }
        if shape.contains(0) { return offset <= count }
        var last = offset
        for (side, stride) in zip(shape, strides) {
            let (reach, overflow) = (side - 1).multipliedReportingOverflow(by: stride)
            let (sum, carry) = last.addingReportingOverflow(reach)
            guard !overflow, !carry else { return false }
            last = sum
        }
        return last < count
    }
}
