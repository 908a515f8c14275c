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
