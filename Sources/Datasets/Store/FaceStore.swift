import Files
import Imaging
import Provenance

/// A packed data set: RGB samples of equal size and their labels in one safetensors file.
///
/// Opening reads the labels and validates all metadata. It also compares images and labels with the content hash, unless
/// the same unchanged file was compared before. Images are read from disk when they are used. Any number of threads may
/// read.
///
///     let store = try FaceStore(path: "celeba.faces")
///     print(store.count, store.data.name, store.contentHash)
public final class FaceStore: Sendable {
    /// Path of the file.
    public let path: String
    /// The number of samples.
    public let count: Int
    /// The protocol of the samples.
    public let data: DataProtocol
    /// SHA-256 of protocol, images and labels, 64 hexadecimal digits. It does not depend on the kind of source.
    public let contentHash: String
    /// Labels, one row per sample. Landmarks are in pixels of the sample.
    public let labels: Labels
    /// Name of the packed source.
    public let sourceName: String
    /// Kind of the packed source.
    public let sourceKind: SourceKind
    /// The number of pictures that were skipped because they were bad.
    public let skippedCount: Int
    /// Formats with libraries loaded at run time that could be decoded when the store was packed; nil in older stores.
    let decoders: String?

    private let marks: StoreMarks
    private let file: SafetensorsFile
    /// Images are read rather than mapped, because mapped pages count as memory of the process.
    private let pixels: FileReader
    private let images: Range<Int>
    private let nameLines: Range<Int>

    /// Width and height of a sample in pixels.
    public var size: Int { data.size }
    /// Bytes per sample: `size` x `size` x 3.
    public var sampleByteCount: Int { size * size * 3 }

    /// Opens a store.
    ///
    /// - Throws: `FileError` if the file cannot be read or is not a valid safetensors file; `DataError` if it is
    ///   not a store, has an unsupported version or invalid metadata, or does not match its content hash.
    public convenience init(path: String) throws {
        try self.init(unverified: path)
        try verifyContent()
    }

    /// Opens a store without a comparison with its content hash.
    ///
    /// - Throws: as `init(path:)`, except for the comparison.
    init(unverified path: String) throws {
        self.path = path
        let file = try SafetensorsFile(path: path)
        let reader = StoreReader(file: file, path: path)
        try reader.checkFormat()
        data = try reader.dataProtocol()
        (count, images) = try reader.images(size: data.size)
        nameLines = try reader.names(count: count)
        labels = try reader.labels(count: count)
        marks = try reader.marks(count: count)
        contentHash = try reader.contentHash()
        sourceName = try reader.sourceName()
        sourceKind = try reader.sourceKind()
        skippedCount = try reader.skippedCount()
        decoders = file.metadata[StoreFormat.Key.decoders]
        self.file = file
        pixels = try FileReader(path: path)
    }

    /// Calls `body` with the bytes of a sample, [size, size, 3]. The buffer is valid only during the call.
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
            preconditionFailure(
                "FaceStore: cannot read a file that was complete when it was opened: \(error)")
        }
    }

    private func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        do {
            return try file.file.withBytes(range, body)
        } catch {
            preconditionFailure(
                "FaceStore: cannot read a range that was valid when the store was opened: \(error)")
        }
    }

    /// Copies the bytes of a sample, [size, size, 3], to `destination`.
    public func copyImage(_ index: Int, into destination: UnsafeMutablePointer<UInt8>) {
        precondition(
            (0..<count).contains(index), "FaceStore: expected a sample in 0..<\(count), got \(index)")
        read(index, into: UnsafeMutableRawBufferPointer(start: destination, count: sampleByteCount))
    }

    /// Returns contiguous samples, [indices.count, size, size, 3].
    public func pixels(of indices: [Int]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: sampleByteCount * indices.count) { buffer, written in
            for (row, index) in indices.enumerated() {
                copyImage(index, into: buffer.baseAddress! + row * sampleByteCount)
            }
            written = sampleByteCount * indices.count
        }
    }

    /// Returns a sample as a picture.
    public func picture(_ index: Int) -> Picture {
        withImage(index) { Picture(width: size, height: size, channels: 3, pixels: Array($0)) }
    }

    /// Names of the samples' pictures in the packed source. They are read from the file on each call.
    public var names: [String] {
        withBytes(nameLines) { bytes in
            bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Returns the samples of one official split, ascending; empty if the splits are unknown.
    public func indices(of split: DataSplit) -> [Int] {
        labels.splits.indices.filter { labels.splits[$0] == split.code }
    }

    /// The mark of generated pictures that a picture made of the given samples must bear; nil if none of their pictures had
    /// one.
    public func origin(of indices: some Sequence<Int>) -> Origin? { marks.origin(of: indices) }

    /// Compares images and labels with the content hash. Remembers a file that was compared.
    ///
    /// - Throws: `DataError` if they differ; `FileError` if the file cannot be read.
    func verifyContent() throws {
        let actual = try RememberedDigest.value(for: path, kind: "store") {
            try StoreReader(file: file, path: path).actualContentHash(data: data, images: images)
        }
        guard actual == contentHash else {
            throw DataError(
                "\(path): the store is invalid: its pictures or labels do not match its contentHash: it was changed "
                    + "after it was packed, or is damaged: pack the source again with 'facegan data prepare'")
        }
    }

    /// Reads the whole file and compares it with its checksum.
    ///
    /// - Throws: `FileError` if they differ or the file cannot be read.
    public func verify() throws {
        try file.verify()
    }
}

extension FaceStore {
    /// Returns the samples of a split, ascending.
    ///
    /// If the data set has official splits, they are used. Otherwise one person in eight (one picture in eight if no
    /// persons are known) is used for validation and the rest for training. The choice is deterministic.
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

/// Names in a packed store, which is a safetensors file.
///
/// | tensor | type | shape | |
/// |---|---|---|---|
/// | `images` | U8 | [N, S, S, 3] | RGB |
/// | `landmarks` | F32 | [N, 5, 2] | x, y in pixels of the sample; NaN unknown |
/// | `vectors` | F32 | [N, V] | label vectors; NaN unknown |
/// | `identities` | I32 | [N] | -1 unknown |
/// | `classes` | I32 | [N] | -1 unknown |
/// | `attributes` | I8 | [N, A] | 1, -1, 0 unknown |
/// | `split` | U8 | [N] | 0 train, 1 validation, 2 test, 255 unknown |
/// | `names` | U8 | [bytes] | UTF-8, one name per line |
/// | `identityNames` | U8 | [bytes] | UTF-8, one name per line |
/// | `marks` | U8 | [N] | mark of a generated picture: 0 none, 1 generated, 2 composite |
///
/// All tensors except `images` and `names` are optional.
enum StoreFormat {
    static let format = "facegan-faces"
    static let version = "1"

    /// Label tensors of the content hash, in its order.
    static let hashedTensors = [
        Tensor.landmarks, Tensor.vectors, Tensor.identities, Tensor.classes, Tensor.attributes, Tensor.split,
    ]

    /// Formats that libraries loaded at run time can decode on this machine.
    static var decoders: String {
        let found = [
            ("webp", PictureDecoder.readsWebP), ("tiff", PictureDecoder.readsTIFF),
            ("heic", PictureDecoder.readsHEIC), ("avif", PictureDecoder.readsAVIF),
        ]
        return found.filter(\.1).map(\.0).joined(separator: " ")
    }

    /// Whether all formats that can be decoded on this machine are in a list of a store. They are not in a missing list.
    static func decoders(areAllIn list: String?) -> Bool {
        guard let list else { return false }
        return Set(decoders.split(separator: " ")).isSubset(of: list.split(separator: " "))
    }

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
        static let marks = "marks"
    }

    enum Key {
        static let format = "format"
        static let version = "version"
        static let protocolName = "protocol"
        static let protocolText = "protocolText"
        static let protocolHash = "protocolHash"
        /// SHA-256 of the images and labels without the names, so that a zip and a folder of the same faces agree.
        static let contentHash = "contentHash"
        static let attributeNames = "attributeNames"
        static let source = "source"
        static let sourceKind = "sourceKind"
        static let skipped = "skipped"
        /// Formats with libraries loaded at run time that could be decoded.
        static let decoders = "decoders"
        /// XMP packet with the origin of the generated pictures; missing if there are none.
        static let origin = "origin"
    }
}
