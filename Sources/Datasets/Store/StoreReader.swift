import Files

/// Reader of a packed store. Each part is validated against the others.
struct StoreReader {
    let file: SafetensorsFile
    let path: String

    func checkFormat() throws {
        guard file.metadata[StoreFormat.Key.format] == StoreFormat.format else {
            throw DataError(
                "\(path): the file is a safetensors file, but not a packed store (metadata key "
                    + "'\(StoreFormat.Key.format)'): create a store with 'facegan data prepare'")
        }
        let version = try text(StoreFormat.Key.version)
        guard version == StoreFormat.version else {
            throw DataError(
                "\(path): the store has format version \(version), but version \(StoreFormat.version) is "
                    + "required: pack the source again with 'facegan data prepare'")
        }
    }

    func text(_ key: String) throws -> String {
        guard let value = file.metadata[key] else { throw invalid("the metadata key '\(key)' is missing") }
        return value
    }

    func dataProtocol() throws -> DataProtocol {
        let text = try text(StoreFormat.Key.protocolText)
        guard let data = DataProtocol(name: try self.text(StoreFormat.Key.protocolName), text: text) else {
            throw invalid("the protocol '\(text)' is unknown")
        }
        return data
    }

    func images(size: Int) throws -> (count: Int, range: Range<Int>) {
        guard let entry = file[StoreFormat.Tensor.images], entry.dtype == .u8, entry.shape.count == 4,
            entry.shape[0] > 0, entry.shape[1...] == [size, size, 3]
        else { throw invalid("it has no tensor 'images' of type U8 and shape [N, \(size), \(size), 3]") }
        return (entry.shape[0], entry.range)
    }

    /// Returns the byte range of the names after checking that there is one per picture.
    func names(count: Int) throws -> Range<Int> {
        guard let entry = file[StoreFormat.Tensor.names], entry.dtype == .u8 else {
            throw invalid("it has no tensor 'names' of type U8")
        }
        let ends = try file.file.withBytes(entry.range) {
            $0.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        }
        guard ends + 1 == count else { throw invalid("it has \(ends + 1) names for \(count) pictures") }
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

    /// The values of a tensor; empty if the store does not contain it.
    private func values<T: FixedWidthInteger>(
        _ name: String, _ type: ElementType, _ shape: [Int], as: T.Type
    ) throws -> [T] {
        guard let entry = file[name] else { return [] }
        guard entry.dtype == type, entry.shape == shape else {
            throw invalid("the tensor '\(name)' must have type \(type.rawValue) and shape \(shape)")
        }
        return try file.file.withBytes(entry.range) { bytes in
            (0..<(bytes.count / MemoryLayout<T>.size)).map {
                T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
            }
        }
    }

    private func lines(_ name: String) throws -> [String] {
        guard let entry = file[name] else { return [] }
        guard entry.dtype == .u8 else { throw invalid("the tensor '\(name)' must have type U8") }
        let bytes = try file.file.bytes(entry.range)
        return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func invalid(_ what: String) -> DataError {
        DataError("\(path): the store is invalid: \(what): pack the source again with 'facegan data prepare'")
    }
}

/// Content of a store except the images, and its writer.
struct StoreContents {
    let data: DataProtocol
    let labels: Labels
    let names: [String]
    let sourceName: String
    let sourceKind: SourceKind
    /// The number of pictures that were skipped because they were bad.
    let skipped: Int

    /// Writes the store and returns its content hash.
    /// - Parameters:
    ///   - path: path of the store.
    ///   - images: the samples in order.
    ///   - imageHash: hash state after the protocol and the images.
    /// - Throws: `FileError` if the file cannot be written; `DataError` if the buffered images cannot be read.
    func write(to path: String, images: SpoolFile, imageHash: Digest.SHA256Stream) throws -> String {
        typealias Tensor = StoreFormat.Tensor
        let count = names.count
        // Wide types first: safetensors requires every tensor to be aligned to its element size.
        var tensors: [(name: String, type: ElementType, shape: [Int], bytes: [UInt8])] = []
        func add(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]) {
            if !bytes.isEmpty { tensors.append((name, type, shape, bytes)) }
        }
        add(
            Tensor.landmarks, .f32, [count, Labels.landmarkWidth / 2, 2],
            littleEndian(labels.landmarks.map(\.bitPattern)))
        add(
            Tensor.vectors, .f32, [count, labels.vectorWidth], littleEndian(labels.vectors.map(\.bitPattern)))
        add(Tensor.identities, .i32, [count], littleEndian(labels.identities))
        add(Tensor.classes, .i32, [count], littleEndian(labels.classes))
        add(
            Tensor.attributes, .i8, [count, labels.attributeNames.count],
            labels.attributes.map { UInt8(bitPattern: $0) })
        add(Tensor.split, .u8, [count], labels.splits)

        var hash = imageHash
        for tensor in tensors {
            hash.update(Array(tensor.name.utf8))
            hash.update(tensor.bytes)
        }
        let contentHash = hash.finish()

        for (name, lines) in [(Tensor.names, names), (Tensor.identityNames, labels.identityNames)] {
            let bytes = Array(lines.map(PictureNames.oneLine).joined(separator: "\n").utf8)
            add(name, .u8, [bytes.count], bytes)
        }
        let imageEntry = SafetensorsWriter.Entry(
            name: Tensor.images, dtype: .u8, shape: [count, data.size, data.size, 3]
        ) { sink in try images.drain(sink) }
        try SafetensorsWriter.write(
            path: path, metadata: metadata(contentHash: contentHash),
            entries: [imageEntry]
                + tensors.map { .init(name: $0.name, dtype: $0.type, shape: $0.shape, bytes: $0.bytes) })
        return contentHash
    }

    private func metadata(contentHash: String) -> [String: String] {
        typealias Key = StoreFormat.Key
        return [
            Key.format: StoreFormat.format,
            Key.version: StoreFormat.version,
            Key.protocolName: data.name,
            Key.protocolText: data.text,
            Key.protocolHash: data.hash,
            Key.contentHash: contentHash,
            Key.attributeNames: labels.attributeNames.joined(separator: "\n"),
            Key.source: sourceName,
            Key.sourceKind: sourceKind.rawValue,
            Key.skipped: String(skipped),
        ]
    }

    private func littleEndian<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * MemoryLayout<T>.size)
        for value in values { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        return bytes
    }
}
