import Files

/// Reads the parts of a packed store, each checked against the others.
struct StoreReader {
    let file: SafetensorsFile
    let path: String

    func checkFormat() throws {
        guard file.metadata[StoreFormat.Key.format] == StoreFormat.format else {
            throw DataError(
                "\(path): it is a safetensors file, but not a packed store of faces (metadata key "
                    + "'\(StoreFormat.Key.format)'): make one with 'facegan data prepare'")
        }
        let version = try text(StoreFormat.Key.version)
        guard version == StoreFormat.version else {
            throw DataError(
                "\(path): the store has format version \(version), this program reads \(StoreFormat.version): pack the "
                    + "source again with 'facegan data prepare'")
        }
    }

    func text(_ key: String) throws -> String {
        guard let value = file.metadata[key] else { throw broken("the metadata key '\(key)' is missing") }
        return value
    }

    func dataProtocol() throws -> DataProtocol {
        let text = try text(StoreFormat.Key.protocolText)
        guard let data = DataProtocol(name: try self.text(StoreFormat.Key.protocolName), text: text) else {
            throw broken("the protocol '\(text)' is not understood")
        }
        return data
    }

    func images(size: Int) throws -> (count: Int, range: Range<Int>) {
        guard let entry = file[StoreFormat.Tensor.images], entry.dtype == .u8, entry.shape.count == 4,
            entry.shape[0] > 0, entry.shape[1...] == [size, size, 3]
        else { throw broken("there is no tensor 'images' of type U8 and shape [N, \(size), \(size), 3]") }
        return (entry.shape[0], entry.range)
    }

    /// Where the names stand, after a check that there is one for every picture.
    func names(count: Int) throws -> Range<Int> {
        guard let entry = file[StoreFormat.Tensor.names], entry.dtype == .u8 else {
            throw broken("there is no tensor 'names' of type U8")
        }
        let ends = try file.file.withBytes(entry.range) {
            $0.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        }
        guard ends + 1 == count else { throw broken("it has \(ends + 1) names for \(count) pictures") }
        return entry.range
    }

    func labels(count: Int) throws -> Labels {
        typealias Tensor = StoreFormat.Tensor
        var labels = Labels(count: count)
        let names = try text(StoreFormat.Key.attributeNames)
        labels.attributeNames = names.isEmpty ? [] : names.split(separator: "\n").map(String.init)
        labels.attributes = try values(
            Tensor.attributes, .i8, [count, labels.attributeNames.count], as: Int8.self)
        labels.identities = try values(Tensor.identities, .i32, [count], as: Int32.self)
        labels.identityNames = try lines(Tensor.identityNames)
        labels.splits = try values(Tensor.split, .u8, [count], as: UInt8.self)
        labels.landmarks = try values(Tensor.landmarks, .f32, [count, 5, 2], as: UInt32.self).map(
            Float.init(bitPattern:))
        labels.classes = try values(Tensor.classes, .i32, [count], as: Int32.self)
        if let entry = file[Tensor.vectors], entry.shape.count == 2 { labels.vectorWidth = entry.shape[1] }
        labels.vectors = try values(Tensor.vectors, .f32, [count, labels.vectorWidth], as: UInt32.self)
            .map(Float.init(bitPattern:))
        return labels
    }

    /// A tensor's numbers; empty where the store has no such tensor.
    private func values<T: FixedWidthInteger>(
        _ name: String, _ type: ElementType, _ shape: [Int], as: T.Type
    ) throws -> [T] {
        guard let entry = file[name] else { return [] }
        guard entry.dtype == type, entry.shape == shape else {
            throw broken("the tensor '\(name)' must have type \(type.rawValue) and shape \(shape)")
        }
        return try file.file.withBytes(entry.range) { bytes in
            (0..<(bytes.count / MemoryLayout<T>.size)).map {
                T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
            }
        }
    }

    private func lines(_ name: String) throws -> [String] {
        guard let entry = file[name] else { return [] }
        guard entry.dtype == .u8 else { throw broken("the tensor '\(name)' must have type U8") }
        let bytes = try file.file.bytes(entry.range)
        return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func broken(_ what: String) -> DataError {
        DataError("\(path): the store is broken: \(what): pack the source again with 'facegan data prepare'")
    }
}
