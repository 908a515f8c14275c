/// What the pickle machine computes with.
///
/// Containers are numbers into the machine's arena: values then own nothing of one another, so that cycles do not
/// leak and nesting without end is not released recursively.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer of more than 64 bits, little-endian.
    case big([UInt8])
    case real(Double)
    case text(String)
    case bytes([UInt8])
    case container(Int)
    case storage(Int)
    case tensor(Int)
    case global(PickleGlobal)
}

/// A tuple, list or dictionary.
struct PickleContainer {
    enum Kind { case tuple, list, dictionary }

    let kind: Kind
    /// The elements; for a dictionary keys and values in turn.
    var items: [PickleValue]
}

/// The few names from Python that a state dictionary needs. All others are refused.
enum PickleGlobal {
    case orderedDictionary
    case rebuildTensor, rebuildTensorV2, rebuildTensorV3
    case rebuildParameter, rebuildParameterWithState
    case size, device
    /// `nil` for the storage that knows only bytes.
    case storage(ElementType?)
    case dtype(ElementType)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorV3
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch._utils", "_rebuild_parameter_with_state"): self = .rebuildParameterWithState
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

/// A block of numbers, or a part of one.
struct PickleStorage {
    /// The block's name in the file.
    let key: String
    /// `nil`: its count is in bytes.
    let dtype: ElementType?
    /// Numbers in the whole block.
    let blockCount: Int
    /// Where this part begins, in numbers.
    let start: Int
    /// Numbers in this part.
    let count: Int
}

/// A tensor as the pickle describes it: checked to lie inside its storage.
struct PickleTensor {
    let storage: Int
    let dtype: ElementType
    let shape: [Int]
    let strides: [Int]
    let offset: Int
}

/// The functions that a state dictionary calls.
extension PickleMachine {
    mutating func call(_ function: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
        switch function {
        case .orderedDictionary: return try orderedDictionary(arguments)
        case .rebuildTensor: return try tensor(arguments, count: 4)
        case .rebuildTensorV2: return try tensor(arguments, count: 6)
        case .rebuildTensorV3:
            guard arguments.count >= 7, case .global(.dtype(let dtype)) = arguments[6] else {
                throw broken("a tensor without a type")
            }
            return try tensor(arguments, count: 7, dtype: dtype)
        case .rebuildParameter, .rebuildParameterWithState:
            guard case .tensor? = arguments.first else { throw broken("a parameter without a tensor") }
            return arguments[0]
        case .size:
            guard arguments.count == 1 else { throw broken("a wrong torch.Size") }
            _ = try items(.tuple, arguments[0])
            return arguments[0]
        case .device: return .none
        case .storage, .dtype: throw broken("a call of something that is no function")
        }
    }

    private mutating func orderedDictionary(_ arguments: [PickleValue]) throws -> PickleValue {
        guard let first = arguments.first else { return make(.dictionary, []) }
        // Python 2 gives the pairs as an argument.
        var flat: [PickleValue] = []
        for pair in try items(.list, first) {
            guard case .container(let index) = pair, containers[index].items.count == 2 else {
                throw broken("a key without a value")
            }
            flat += containers[index].items
        }
        return make(.dictionary, flat)
    }

    /// Looks a storage up: ("storage", type, key, location, count), and in the old format a view or none.
    mutating func persistent(_ id: PickleValue) throws -> PickleValue {
        let parts = try items(.tuple, id)
        guard (5...6).contains(parts.count), case .text("storage") = parts[0],
            case .global(.storage(let dtype)) = parts[1], case .text(let key) = parts[2],
            case .integer(let count) = parts[4], count >= 0, key.utf8.count <= 256
        else { throw broken("a storage that is described wrongly") }
        var (start, partCount, name) = (0, count, key)
        if parts.count == 6, case .container = parts[5] {
            let view = try items(.tuple, parts[5])
            guard view.count == 3, case .text(let viewKey) = view[0], case .integer(let offset) = view[1],
                case .integer(let size) = view[2], offset >= 0, size >= 0, offset <= count,
                size <= count - offset
            else { throw broken("a part of a storage that is described wrongly") }
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
        else { throw broken("the storage \"\(key)\" is described in two ways") }
        return .storage(known)
    }

    /// (storage, offset, sides, strides, ...)
    private mutating func tensor(_ arguments: [PickleValue], count: Int, dtype given: ElementType? = nil)
        throws
        -> PickleValue
    {
        guard arguments.count >= count, case .storage(let index) = arguments[0],
            case .integer(let offset) = arguments[1]
        else { throw broken("a tensor that is described wrongly") }
        let storage = storages[index]
        guard let dtype = given ?? storage.dtype else { throw broken("a tensor without a type") }
        let shape = try integers(arguments[2])
        let strides = try integers(arguments[3])
        let unit = storage.dtype == nil ? dtype.byteCount : 1
        guard given == nil || storage.dtype == nil || given == storage.dtype,
            Self.fits(shape, strides, offset, in: storage.count / unit), dtype.byteCount(shape: shape) != nil
        else {
            throw broken(
                "a tensor of shape \(shape), strides \(strides) and offset \(offset) in a storage of "
                    + "\(storage.count)")
        }
        tensors.append(
            PickleTensor(storage: index, dtype: dtype, shape: shape, strides: strides, offset: offset))
        return .tensor(tensors.count - 1)
    }

    private func integers(_ value: PickleValue) throws -> [Int] {
        let items = try items(.tuple, value)
        guard items.count <= 64 else { throw broken("a tensor of \(items.count) dimensions") }
        return try items.map {
            guard case .integer(let number) = $0, number >= 0 else {
                throw broken("a side or stride below zero")
            }
            return number
        }
    }

    /// Whether every number of the tensor lies in a storage of `count` numbers.
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
