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
