/// Objects in the pickles of NVlabs' programs (stylegan2-ada-pytorch, stylegan3).
///
/// These programs pickle whole networks with their source text, which Python executes. Here, only the tensors and plain values
/// in the state of an object are read.
extension PickleMachine {
    /// State of an object as a dictionary: tensors and parts by name, and the arguments of its creation under `_init_kwargs`.
    mutating func persistentObject(_ arguments: [PickleValue]) throws -> PickleValue {
        guard arguments.count == 1 else { throw broken("a persistent object is invalid") }
        let meta = try fields(arguments[0])
        guard let state = meta.first(where: { $0.key == "state" })?.value else {
            throw broken("a persistent object has no state")
        }
        var found: [PickleValue] = []
        var known = Set<String>()
        func add(_ key: String, _ value: PickleValue) {
            if known.insert(key).inserted { found += [.text(key), value] }
        }
        let all = try fields(state)
        try spend(all.count + 1)
        for group in ["_parameters", "_buffers", "_modules"] {
            guard let value = all.first(where: { $0.key == group })?.value else { continue }
            let members = try fields(value)
            try spend(members.count)
            for (key, value) in members { add(key, value) }
        }
        // Private fields, such as hooks, are not needed.
        for (key, value) in all where !key.hasPrefix("_") || key == "_init_kwargs" { add(key, value) }
        return make(.dictionary, found)
    }

    /// Bounds the time of pickles that refer to the same state many times.
    private mutating func spend(_ count: Int) throws {
        persistentBudget -= count
        guard persistentBudget >= 0 else { throw broken("too many objects") }
    }

    /// Keys and values of a dictionary whose keys are strings.
    private func fields(_ value: PickleValue) throws -> [(key: String, value: PickleValue)] {
        let items = try items(.dictionary, value)
        return try stride(from: 0, to: items.count, by: 2).map { index in
            guard case .text(let key) = items[index] else {
                throw broken("a name of a field is not a string")
            }
            return (key, items[index + 1])
        }
    }

    /// Storage that `torch.save` wrote, in its format before 1.6, to bytes inside the pickle.
    mutating func embeddedStorage(_ arguments: [PickleValue]) throws -> PickleValue {
        guard arguments.count == 1, case .bytes(let range) = arguments[0], !isInside else {
            throw broken("a storage inside the pickle is invalid")
        }
        try spend(100)
        let part = UnsafeRawBufferPointer(rebasing: bytes[range])
        var position = 0
        var (storage, values) = (PickleStorage?.none, [PickleValue]())
        // Magic number, version, system, the storage, and its key.
        for index in 0..<5 {
            var machine = PickleMachine(part, at: position, path: path)
            machine.isInside = true
            values.append(try machine.run(stepLimit: 200))
            position = machine.position
            if index == 3, case .storage(let number) = values[3] { storage = machine.storages[number] }
        }
        guard case .big(PyTorchFile.magic) = values[0], case .integer(1001) = values[1], let storage,
            storage.start == 0, storage.count == storage.blockCount, let size = storage.blockByteCount,
            part.count - position >= 8, part.count - position - 8 >= size,
            part[position..<position + 8].reversed().reduce(UInt64(0), { $0 << 8 | UInt64($1) })
                == UInt64(storage.blockCount)
        else { throw broken("a storage inside the pickle is invalid or truncated") }
        let start = range.lowerBound + position + 8
        let index = storages.count
        storages.append(
            PickleStorage(
                key: "\(start)", dtype: storage.dtype, blockCount: storage.blockCount, start: 0,
                count: storage.blockCount))
        embedded[index] = start..<start + size
        return .storage(index)
    }
}

extension PyTorchFile {
    /// Content of a pickle with networks of NVlabs' programs.
    /// - Throws: `FileError` if other data follows the pickle, or if a tensor is not inside it.
    static func readPersistent(_ root: PickleValue, _ machine: PickleMachine, _ file: MappedFile) throws
        -> Content
    {
        guard machine.position == file.count else { throw machine.broken("other data follows the pickle") }
        let sources = try machine.storages.indices.map { index -> Source in
            guard let range = machine.embedded[index] else {
                throw FileError.broken(file.path, "the storage \"\(machine.storages[index].key)\" is missing")
            }
            return .mapped(file, range)
        }
        return Content(root: root, machine: machine, sources: sources)
    }
}
