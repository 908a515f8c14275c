import Files
import Provenance

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

    /// Returns the protocol after checking that name, text and hash belong together.
    func dataProtocol() throws -> DataProtocol {
        let name = try text(StoreFormat.Key.protocolName)
        guard DataProtocol.isSafeName(name) else {
            throw invalid(
                "the name of its protocol is not made of 1 to 100 letters, digits, '-', '_' and '.'")
        }
        guard let data = DataProtocol(name: name, text: try text(StoreFormat.Key.protocolText)) else {
            throw invalid("the text of its protocol '\(name)' is not a valid description")
        }
        guard try text(StoreFormat.Key.protocolHash) == data.hash else {
            throw invalid("the hash of its protocol '\(name)' does not match the protocol's text")
        }
        if let known = try? DataProtocol.parse(name), known.hash != data.hash {
            throw invalid("the text of its protocol is not that of '\(name)'")
        }
        return data
    }

    func contentHash() throws -> String {
        let hash = try text(StoreFormat.Key.contentHash)
        guard hash.utf8.count == 64,
            hash.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { throw invalid("its contentHash is not made of 64 lowercase hexadecimal digits") }
        return hash
    }

    func sourceName() throws -> String {
        let name = try text(StoreFormat.Key.source)
        guard name.utf8.count <= 4096 else { throw invalid("the name of its source is too long") }
        return PictureNames.oneLine(name)
    }

    func sourceKind() throws -> SourceKind {
        guard let kind = SourceKind(rawValue: try text(StoreFormat.Key.sourceKind)) else {
            throw invalid(
                "the kind of its source is not one of "
                    + SourceKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return kind
    }

    func skippedCount() throws -> Int {
        guard let count = Int(try text(StoreFormat.Key.skipped)), count >= 0 else {
            throw invalid("the number of skipped pictures is not a number of 0 or more")
        }
        return count
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
        labels.attributeNames =
            names.isEmpty
            ? []
            : names.split(separator: "\n", omittingEmptySubsequences: false)
                .map { PictureNames.oneLine(String($0)) }
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
        try check(labels)
        return labels
    }

    /// Checks the ranges of all label values.
    private func check(_ labels: Labels) throws {
        func require(_ name: String, _ expected: String, _ isValid: Bool) throws {
            if !isValid { throw invalid("the tensor '\(name)' has values other than \(expected)") }
        }
        typealias Tensor = StoreFormat.Tensor
        try require(
            Tensor.attributes, "1, -1 and 0", labels.attributes.allSatisfy { (-1...1).contains($0) })
        let splits = DataSplit.allCases.map(\.code) + [DataSplit.unknownCode]
        try require(Tensor.split, "0, 1, 2 and 255", labels.splits.allSatisfy { splits.contains($0) })
        let persons =
            labels.identityNames.isEmpty ? Int32.max : Int32(clamping: labels.identityNames.count)
        try require(
            Tensor.identities, "-1 and the numbers of persons",
            labels.identities.allSatisfy { $0 >= -1 && $0 < persons })
        try require(Tensor.classes, "-1 and more", labels.classes.allSatisfy { $0 >= -1 })
        try require(
            Tensor.landmarks, "NaN and positions of at most 10,000,000 pixels",
            labels.landmarks.allSatisfy { $0.isNaN || $0.magnitude <= 10_000_000 })
        try require(Tensor.vectors, "NaN and finite numbers", labels.vectors.allSatisfy { !$0.isInfinite })
    }

    /// The marks of generated pictures.
    func marks(count: Int) throws -> StoreMarks {
        let codes = try values(StoreFormat.Tensor.marks, .u8, [count], as: UInt8.self)
        guard !codes.isEmpty else { return StoreMarks() }
        guard let packet = file.metadata[StoreFormat.Key.origin], packet.utf8.count <= 1 << 20,
            let origin = Origin(packet: packet)
        else {
            throw invalid("it has marks of generated pictures without a valid '\(StoreFormat.Key.origin)'")
        }
        guard codes.allSatisfy({ $0 < 3 }) else { throw invalid("the tensor 'marks' has values above 2") }
        return StoreMarks(codes: codes, merged: origin)
    }

    /// Computes the content hash from images and labels.
    ///
    /// - Throws: `FileError` if the file cannot be read.
    func actualContentHash(data: DataProtocol, images: Range<Int>) throws -> String {
        var hash = Digest.SHA256Stream()
        hash.update(Array(data.text.utf8))
        // The images are read rather than mapped, because mapped pages count as memory of the process.
        let reader = try FileReader(path: path)
        var buffer = [UInt8](repeating: 0, count: min(images.count, 1 << 22))
        var position = images.lowerBound
        while position < images.upperBound {
            let count = min(buffer.count, images.upperBound - position)
            try buffer.withUnsafeMutableBytes { bytes in
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                try reader.read(part, at: position)
                hash.update(UnsafeRawBufferPointer(part))
            }
            position += count
        }
        for name in StoreFormat.hashedTensors {
            guard let entry = file[name], !entry.range.isEmpty else { continue }
            hash.update(Array(name.utf8))
            try file.file.withBytes(entry.range) { hash.update($0) }
        }
        return hash.finish()
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
