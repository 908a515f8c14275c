/// A safetensors file, opened and checked but not read: tensors are byte ranges of a mapped file.
///
/// Stricter than the format's own reader: the ranges must tile the data exactly, in bounds, without overlap, gap or
/// remainder, and names must differ. Format: https://github.com/huggingface/safetensors.
public struct SafetensorsFile: Sendable {
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let dtype: ElementType
        /// The sides, slowest first; empty for a single number.
        public let shape: [Int]
        /// Where the numbers stand in the file: little-endian, contiguous, row by row.
        public let range: Range<Int>
    }

    public let file: MappedFile
    public let metadata: [String: String]
    /// The tensors in the order of their bytes.
    public let entries: [Entry]
    private let index: [String: Int]
    private let digestRange: Range<Int>?

    /// The most that a header may take; the format's own limit.
    public static let headerLimit = 100_000_000

    /// - Throws: `FileError` if the file breaks any rule of the format.
    public init(path: String) throws {
        file = try MappedFile(path: path)
        guard file.count >= 8 else { throw FileSignature.mismatch(file, expected: "a safetensors file") }
        let length = try file.withBytes(0..<8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= min(file.count - 8, Self.headerLimit) else {
            throw FileSignature.mismatch(file, expected: "a safetensors file")
        }
        let data = 8 + Int(length)
        let header = try file.withBytes(8..<data) { try SafetensorsHeader.parse($0, path: path) }
        metadata = header.metadata
        digestRange = header.metadataRanges[Self.digestKey].map { $0.lowerBound + 8..<$0.upperBound + 8 }

        var entries: [Entry] = []
        var index: [String: Int] = [:]
        var expected = 0
        // Empty tensors share their start with the next one; the stable sort keeps the header's order among them.
        for item in header.items.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
            guard let dtype = ElementType(rawValue: item.dtype) else {
                throw FileError(
                    path: path, what: "the tensor \"\(item.name)\" has numbers of the type \(item.dtype)",
                    advice:
                        "Convert it to one of \(ElementType.allCases.map(\.rawValue).joined(separator: " "))."
                )
            }
            guard item.start == expected, item.end >= item.start, item.end <= file.count - data else {
                throw FileError.broken(
                    path,
                    "the tensor \"\(item.name)\" is said to be at \(item.start)..\(item.end), where it "
                        + "leaves a gap, overlaps another or ends after the file")
            }
            guard dtype.byteCount(shape: item.shape) == item.end - item.start else {
                throw FileError.broken(
                    path,
                    "the tensor \"\(item.name)\" of shape \(item.shape) and type \(item.dtype) cannot have "
                        + "\(item.end - item.start) bytes")
            }
            expected = item.end
            index[item.name] = entries.count
            entries.append(
                Entry(
                    name: item.name, dtype: dtype, shape: item.shape,
                    range: data + item.start..<data + item.end))
        }
        guard data + expected == file.count else {
            throw FileError.broken(
                path, "the tensors end at byte \(data + expected), the file at byte \(file.count)")
        }
        self.entries = entries
        self.index = index
    }

    /// The entry of that name, if there is one.
    public subscript(name: String) -> Entry? { index[name].map { entries[$0] } }

    /// A copy of a tensor's bytes.
    /// - Throws: `FileError` if the entry is of another file and outside this one.
    public func bytes(_ entry: Entry) throws -> [UInt8] { try file.bytes(entry.range) }
}

extension SafetensorsFile {
    /// The metadata key of the checksum that `SafetensorsWriter` puts in.
    public static let digestKey = "sha256"

    /// The checksum that the file carries: the SHA-256 of the whole file with 64 zeros in the checksum's place.
    /// Files of other programs have none.
    public var digest: String? { metadata[Self.digestKey] }

    /// Compares the whole file with the checksum that it carries.
    /// - Throws: `FileError` if they differ, or if the file carries none.
    public func verify() throws {
        guard let digest, let range = digestRange, range.count == SafetensorsWriter.blank.count else {
            throw FileError(
                path: file.path, what: "the file carries no checksum (metadata key \"\(Self.digestKey)\")",
                advice: "Only files that FaceGAN wrote can be verified.")
        }
        var stream = Digest.SHA256Stream()
        try file.withBytes(0..<range.lowerBound) { stream.update($0) }
        stream.update(SafetensorsWriter.blank)
        try file.withBytes(range.upperBound..<file.count) { stream.update($0) }
        guard stream.finish() == digest else {
            throw FileError.broken(file.path, "the content does not match the file's own checksum")
        }
    }
}
