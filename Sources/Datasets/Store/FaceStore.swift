import Files
import Imaging

/// A packed data set: equal-sized RGB samples and their labels in one safetensors file.
///
/// Opening reads the labels and leaves the images on disk until they are used. Any number of threads may read.
///
///     let store = try FaceStore(path: "celeba.faces")
///     print(store.count, store.data.name, store.contentHash)
public final class FaceStore: Sendable {
    public let path: String
    /// How many samples there are.
    public let count: Int
    /// The protocol that the samples were made under.
    public let data: DataProtocol
    /// SHA-256 of protocol, images and labels, 64 hexadecimal digits: the same for the same faces, wherever they came from.
    public let contentHash: String
    /// One row a sample; landmarks are in pixels of the sample.
    public let labels: Labels
    /// The name of the source that was packed.
    public let sourceName: String
    public let sourceKind: SourceKind
    /// How many pictures were left out because they were bad.
    public let skippedCount: Int

    private let file: SafetensorsFile
    /// Pictures are read, not mapped: what was once mapped would count as this program's memory.
    private let pixels: FileReader
    private let images: Range<Int>
    private let nameLines: Range<Int>

    /// Width and height of a sample in pixels.
    public var size: Int { data.size }
    /// Bytes of a sample: `size` x `size` x 3.
    public var sampleByteCount: Int { size * size * 3 }

    /// Throws `FileError` if the file is not sound, `DataError` if it is not a store that this version reads.
    public init(path: String) throws {
        self.path = path
        let file = try SafetensorsFile(path: path)
        let reader = StoreReader(file: file, path: path)
        try reader.checkFormat()
        data = try reader.dataProtocol()
        (count, images) = try reader.images(size: data.size)
        nameLines = try reader.names(count: count)
        labels = try reader.labels(count: count)
        contentHash = try reader.text(StoreFormat.Key.contentHash)
        sourceName = try reader.text(StoreFormat.Key.source)
        sourceKind = SourceKind(rawValue: try reader.text(StoreFormat.Key.sourceKind)) ?? .folder
        skippedCount = Int(try reader.text(StoreFormat.Key.skipped)) ?? 0
        self.file = file
        pixels = try FileReader(path: path)
    }

    /// Calls `body` with a sample's bytes, [size, size, 3], which are valid only inside the call.
    public func withImage<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        precondition(
            (0..<count).contains(index), "FaceStore: expected a sample in 0..<\(count), got \(index)")
        return withUnsafeTemporaryAllocation(byteCount: sampleByteCount, alignment: 64) { buffer in
            read(index, into: buffer)
            return body(UnsafeRawBufferPointer(buffer))
        }
    }

    private func read(_ index: Int, into buffer: UnsafeMutableRawBufferPointer) {
        do { try pixels.read(buffer, at: images.lowerBound + index * sampleByteCount) } catch {
            preconditionFailure("FaceStore: the file was whole when it was opened: \(error)")
        }
    }

    private func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        do {
            return try file.file.withBytes(range, body)
        } catch {
            preconditionFailure("FaceStore: the range was checked when the store was opened: \(error)")
        }
    }

    /// Copies a sample's bytes, [size, size, 3], to `destination`.
    public func copyImage(_ index: Int, into destination: UnsafeMutablePointer<UInt8>) {
        precondition(
            (0..<count).contains(index), "FaceStore: expected a sample in 0..<\(count), got \(index)")
        read(index, into: UnsafeMutableRawBufferPointer(start: destination, count: sampleByteCount))
    }

    /// Samples one after the other, [size, size, 3] each.
    public func pixels(of indices: [Int]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: sampleByteCount * indices.count) { buffer, written in
            for (row, index) in indices.enumerated() {
                copyImage(index, into: buffer.baseAddress! + row * sampleByteCount)
            }
            written = sampleByteCount * indices.count
        }
    }

    /// A sample as a picture.
    public func picture(_ index: Int) -> Picture {
        withImage(index) { Picture(width: size, height: size, channels: 3, pixels: Array($0)) }
    }

    /// The names that the samples' pictures had in their source. Read anew at every call.
    public var names: [String] {
        withBytes(nameLines) { bytes in
            bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The samples of one part of the data set, ascending; empty where the parts are not known.
    public func indices(of split: DataSplit) -> [Int] {
        labels.splits.indices.filter { labels.splits[$0] == split.code }
    }

    /// Reads the whole file and compares it with its checksum. Throws `FileError` if they differ.
    public func verify() throws {
        try file.verify()
    }
}

extension FaceStore {
    /// The samples of a part, ascending.
    ///
    /// Where the makers of the pictures divided them, that is their part. Elsewhere one person in eight, or one picture in
    /// eight where no persons are known, is for validation, and the rest for training.
    public func part(_ split: DataSplit) -> [Int] {
        guard labels.splits.isEmpty else { return indices(of: split) }
        guard split == .train || split == .validation else { return [] }
        return (0..<count).filter { index in
            let person = labels.identities.isEmpty ? -1 : Int(labels.identities[index])
            var stream = RandomStream(
                seed: 0, stream: Self.partStream, index: UInt64(person >= 0 ? person : count + index))
            return (stream.next() % 8 == 0) == (split == .validation)
        }
    }

    private static let partStream: UInt64 = 0x5A3B_1E0A
}

/// The names inside a packed store: a safetensors file, so that any tool of the field can read it.
///
/// | tensor | type | shape | |
/// |---|---|---|---|
/// | `images` | U8 | [N, S, S, 3] | RGB |
/// | `landmarks` | F32 | [N, 5, 2] | x, y in pixels of the sample; NaN not known |
/// | `vectors` | F32 | [N, V] | label vectors; NaN not known |
/// | `identities` | I32 | [N] | -1 not known |
/// | `classes` | I32 | [N] | -1 not known |
/// | `attributes` | I8 | [N, A] | 1, -1, 0 not known |
/// | `split` | U8 | [N] | 0 train, 1 validation, 2 test, 255 not known |
/// | `names` | U8 | [bytes] | UTF-8, one name a line |
/// | `identityNames` | U8 | [bytes] | UTF-8, one name a line |
///
/// All but `images` and `names` may be absent.
enum StoreFormat {
    static let format = "facegan-faces"
    static let version = "1"

    enum Tensor {
        static let images = "images"
        static let landmarks = "landmarks"
        static let vectors = "vectors"
        static let identities = "identities"
        static let classes = "classes"
        static let attributes = "attributes"
        static let split = "split"
        static let names = "names"
        static let identityNames = "identityNames"
    }

    enum Key {
        static let format = "format"
        static let version = "version"
        static let protocolName = "protocol"
        static let protocolText = "protocolText"
        static let protocolHash = "protocolHash"
        /// SHA-256 of the images and labels, without the names: the same faces from a zip and a folder agree.
        static let contentHash = "contentHash"
        static let attributeNames = "attributeNames"
        static let source = "source"
        static let sourceKind = "sourceKind"
        static let skipped = "skipped"
    }
}
