import Datasets
import Files

/// Everything about one picture of the data set, as it is recorded while the data set is built.
package struct FaceRecord: Sendable, Equatable {
    /// Number of the candidate.
    package var candidate = 0
    /// Number of the person in the data set, from 0.
    package var person = 0
    /// Number of the picture among those of its person, from 0.
    package var variant = 0
    /// Combination of balanced attributes.
    package var cell = 0
    /// Part of the data set.
    package var split = DataSplit.train
    /// Seed of the person.
    package var seed: UInt64 = 0
    /// Seed of the fine rows of w+; nil for a picture of one seed.
    package var fineSeed: UInt64?
    /// Byte range of the PNG in the file of pictures.
    package var range = 0..<0
    /// SHA-256 of the PNG.
    package var file = ""
    /// Hashes of the pixels.
    package var hashes = PictureHashes(
        pixels: "", difference: 0, thumbnail: .init(grays: [UInt8](repeating: 0, count: 256)))
    /// Labels by networks.
    package var labels = FaceLabels(logits: [], features: [], detection: nil)
    /// Requested labels [K] of a conditional model.
    package var requested: [Int8] = []
    /// Nearest photograph of the training set; nil without one.
    package var photograph: NearestPhotograph?
    /// z [Z]; empty if it is not recorded.
    package var z: [Float] = []
    /// w [W] or w+ [L, W]; empty if it is not recorded.
    package var w: [Float] = []

    package init() {}
}

/// Sizes of the arrays of a record. All records of a data set have one size in bytes.
package struct RecordLayout: Sendable, Codable, Equatable {
    /// Numbers of logits, features, requested labels, values of z and of w.
    package let logits: Int, features: Int, requested: Int, z: Int, w: Int

    package init(logits: Int, features: Int, requested: Int, z: Int, w: Int) {
        (self.logits, self.features) = (logits, features)
        (self.requested, self.z, self.w) = (requested, z, w)
    }

    private static let fixedSize =
        8 + 4 + 2 + 2 + 1 + 8 + 1 + 8 + 8 + 4 + 32 + 32 + 8 + 256 + 1 + 15 * 4 + 1 + 4 + 8 + 8

    /// Bytes of a record.
    package var byteCount: Int { Self.fixedSize + 4 * (logits + features + z + w) + requested }

    /// Bytes of a record: little-endian, in the order of the properties.
    package func encode(_ record: FaceRecord) -> [UInt8] {
        precondition(
            [record.labels.logits.count, record.labels.features.count, record.requested.count]
                == [logits, features, requested] && [record.z.count, record.w.count] == [z, w],
            "RecordLayout: expected arrays of the sizes \(self)")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        bytes += UInt64(record.candidate).littleEndianBytes + UInt32(record.person).littleEndianBytes
        bytes += UInt16(record.variant).littleEndianBytes + UInt16(record.cell).littleEndianBytes
        bytes += [record.split.code] + record.seed.littleEndianBytes + [record.fineSeed == nil ? 0 : 1]
        bytes += (record.fineSeed ?? 0).littleEndianBytes
        bytes += UInt64(record.range.lowerBound).littleEndianBytes
        bytes += UInt32(record.range.count).littleEndianBytes
        bytes += Self.digest(record.file) + Self.digest(record.hashes.pixels)
        bytes += record.hashes.difference.littleEndianBytes + record.hashes.thumbnail.grays
        let found = record.labels.detection
        bytes.append(found == nil ? 0 : 1)
        put(found.map { [$0.score] + $0.box + $0.points } ?? Array(repeating: 0, count: 15), &bytes)
        let near = record.photograph
        bytes.append(near == nil ? 0 : 1)
        bytes += Int32(near?.index ?? 0).littleEndianBytes
        bytes += (near?.distance ?? 0).bitPattern.littleEndianBytes
        bytes += (near?.quantile ?? 0).bitPattern.littleEndianBytes
        for values in [record.labels.logits, record.labels.features, record.z, record.w] {
            put(values, &bytes)
        }
        return bytes + record.requested.map { UInt8(bitPattern: $0) }
    }

    private func put(_ values: [Float], _ bytes: inout [UInt8]) {
        // All supported processors are little-endian.
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    private static func digest(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        precondition(digits.count == 64, "RecordLayout: expected a SHA-256 in hexadecimal, got \(text)")
        func value(_ digit: UInt8) -> UInt8 { digit < 97 ? digit - 48 : digit - 87 }
        return (0..<32).map { value(digits[2 * $0]) << 4 | value(digits[2 * $0 + 1]) }
    }

    private static func text(_ digest: ArraySlice<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Record of bytes; nil for another number of bytes or values that no record has.
    package func decode(_ bytes: [UInt8]) -> FaceRecord? {
        guard bytes.count == byteCount else { return nil }
        var at = 0
        func take(_ count: Int) -> ArraySlice<UInt8> {
            defer { at += count }
            return bytes[at..<at + count]
        }
        func integer<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type) -> T {
            take(MemoryLayout<T>.size).reversed().reduce(0) { $0 << 8 | T($1) }
        }
        func floats(_ count: Int) -> [Float] {
            let slice = take(4 * count)
            return slice.withUnsafeBytes { buffer in
                (0..<count).map { buffer.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
        }
        var record = FaceRecord()
        guard let candidate = Int(exactly: integer(UInt64.self)) else { return nil }
        record.candidate = candidate
        record.person = Int(integer(UInt32.self))
        (record.variant, record.cell) = (Int(integer(UInt16.self)), Int(integer(UInt16.self)))
        guard let split = DataSplit(code: integer(UInt8.self)) else { return nil }
        record.split = split
        record.seed = integer(UInt64.self)
        let isFine = integer(UInt8.self) == 1
        let fineSeed = integer(UInt64.self)
        record.fineSeed = isFine ? fineSeed : nil
        guard let start = Int(exactly: integer(UInt64.self)), start < Int.max >> 1 else { return nil }
        record.range = start..<start + Int(integer(UInt32.self))
        record.file = Self.text(take(32))
        let pixels = Self.text(take(32))
        record.hashes = PictureHashes(
            pixels: pixels, difference: integer(UInt64.self), thumbnail: Thumbnail(grays: Array(take(256))))
        let isDetected = integer(UInt8.self) == 1
        let found = floats(15)
        let isNear = integer(UInt8.self) == 1
        let index = Int(Int32(bitPattern: integer(UInt32.self)))
        let distance = Double(bitPattern: integer(UInt64.self))
        let quantile = Double(bitPattern: integer(UInt64.self))
        record.photograph =
            isNear ? NearestPhotograph(index: index, distance: distance, quantile: quantile) : nil
        record.labels = FaceLabels(
            logits: floats(logits), features: floats(features),
            detection: isDetected
                ? FaceDetection(score: found[0], box: Array(found[1..<5]), points: Array(found[5...])) : nil)
        (record.z, record.w) = (floats(z), floats(w))
        record.requested = take(requested).map { Int8(bitPattern: $0) }
        return record
    }
}
