import Files
import Provenance

/// Content of a store except the images, and its writer.
struct StoreContents {
    let data: DataProtocol
    let labels: Labels
    let names: [String]
    let sourceName: String
    let sourceKind: SourceKind
    /// The number of pictures that were skipped because they were bad.
    let skipped: Int
    let marks: StoreMarks

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
        add(Tensor.marks, .u8, [count], marks.codes)

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
        var values = [
            Key.format: StoreFormat.format,
            Key.version: StoreFormat.version,
            Key.protocolName: data.name,
            Key.protocolText: data.text,
            Key.protocolHash: data.hash,
            Key.contentHash: contentHash,
            Key.attributeNames: labels.attributeNames.map(PictureNames.oneLine).joined(separator: "\n"),
            Key.source: sourceName,
            Key.sourceKind: sourceKind.rawValue,
            Key.skipped: String(skipped),
            Key.decoders: StoreFormat.decoders,
        ]
        if let origin = marks.merged { values[Key.origin] = origin.packet }
        return values
    }

    private func littleEndian<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * MemoryLayout<T>.size)
        for value in values { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        return bytes
    }
}
