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
