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
