import Files
import Imaging
import Provenance

/// A collection of pictures in a fixed order.
public protocol PictureSource: Sendable {
    /// Name of the file or folder.
    var name: String { get }
    /// Kind of the source.
    var kind: SourceKind { get }
    /// Names of the pictures, with `/` between folders. The order does not depend on the machine.
    var names: [String] { get }
    /// Labels, one row per picture.
    var labels: Labels { get }
    /// Side of the square in which landmarks are given, in pixels; nil if they are in pixels of the picture.
    var landmarkFrame: Int? { get }
    /// Mismatches between pictures and labels.
    var labelIssues: [LabelIssue] { get }
    /// Files that are used neither as pictures nor as label files.
    var skipped: [SkippedFile] { get }
    /// Whether pictures can only be read sequentially, as in a compressed tar. `forEach` is then the efficient way to
    /// read.
    var readsInOrder: Bool { get }
    /// Damage of the archive as a whole, such as a missing end; nil if there is none. The pictures before it can be
    /// read.
    var damage: String? { get }
    /// The protocol of a packed store; nil for other sources.
    var packedProtocol: DataProtocol? { get }
    /// The mark of a generated picture that a packed store recorded; nil for other sources and pictures.
    func packedOrigin(at index: Int) -> Origin?
    /// Hexadecimal hash that depends on the content and not on its location.
    var fingerprint: String { get }

    /// Returns the content of a picture. `size` is the preferred size for sources that render their pictures; others
    /// ignore it.
    ///
    /// It can be called from several threads at once.
    /// - Throws: `FileError` or `DataError` if this picture cannot be read. Other pictures can still be read.
    func content(at index: Int, size: Int) throws -> PictureContent

    /// Calls `body` for all pictures in order, until it returns false.
    ///
    /// - Throws: errors of `body`; `FileError` or `DataError` if the source as a whole cannot be read further.
    func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws
}

/// The content of a picture in a source.
public enum PictureContent: Sendable {
    /// The bytes of an image file.
    case encoded([UInt8])
    /// Rendered pixels.
    case drawn(Picture)
}

/// The kind of a source. It determines the default crop.
public enum SourceKind: String, Sendable, CaseIterable, Codable {
    /// A folder of pictures.
    case folder
    /// A zip archive.
    case zip
    /// A tar archive, plain or gzipped.
    case tar
    /// CelebA, recognized by its label files or names.
    case celebA
    /// CelebA-HQ, recognized by the folders or attributes of CelebAMask-HQ.
    case celebAHQ
    /// FFHQ, recognized by its folders.
    case ffhq
    /// LFW, recognized by its names.
    case lfw
    /// Pictures with a `dataset.json`.
    case labeled
    /// Rendered faces.
    case builtIn
    /// A packed store.
    case store

    /// The default protocol for pictures of this kind at a size in pixels.
    ///
    /// - Throws: `DataError` if the size is not a power of two in 8...1024.
    public func suggestedProtocol(size: Int) throws -> DataProtocol {
        switch self {
        case .celebA: try .parse("celeba\(size)-178")
        case .lfw: try .parse("lfw\(size)-160")
        case .builtIn: try .parse("faces\(size)")
        case .folder, .zip, .tar, .celebAHQ, .ffhq, .labeled, .store: try .parse("square\(size)")
        }
    }
}

extension PictureSource {
    /// The number of pictures.
    public var count: Int { names.count }

    /// No labels.
    public var labels: Labels { Labels(count: count) }
    /// No mismatches.
    public var labelIssues: [LabelIssue] { [] }
    /// No skipped files.
    public var skipped: [SkippedFile] { [] }
    /// False: pictures can be read in any order.
    public var readsInOrder: Bool { false }
    /// No damage.
    public var damage: String? { nil }
    /// No protocol.
    public var packedProtocol: DataProtocol? { nil }
    /// Nil: the mark is in the content.
    public func packedOrigin(at index: Int) -> Origin? { nil }
    /// Nil: landmarks are in pixels of the picture.
    public var landmarkFrame: Int? { nil }

    /// Calls `body` for all pictures in order, until it returns false.
    ///
    /// - Throws: errors of `body`.
    public func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws {
        for index in 0..<count where try !body(index, Result { try content(at: index, size: size) }) {
            return
        }
    }

    /// The protocol to apply to this source's content to get samples of `data`. Content of a packed store is not
    /// cropped again.
    ///
    /// - Throws: `DataError` for a store with another protocol.
    func applying(_ data: DataProtocol) throws -> DataProtocol {
        guard let packed = packedProtocol else { return data }
        guard packed.hash == data.hash else {
            throw DataError(
                "\(name): the store has the protocol \(packed), but \(data) is required: use the original "
                    + "pictures or select the protocol \(packed.name)")
        }
        return DataProtocol(name: data.name, crop: .square, filter: data.filter, size: data.size)
    }

    /// Decodes a picture: upright, 8 bits per channel.
    ///
    /// - Throws: `FileError` or `DataError` if it cannot be read; `ImagingError` if it cannot be decoded.
    public func picture(at index: Int, size: Int = 256) throws -> Picture {
        try content(at: index, size: size).picture()
    }
}

extension PictureContent {
    /// Decodes the content.
    ///
    /// - Throws: `ImagingError` if an encoded picture cannot be decoded.
    public func picture() throws -> Picture {
        switch self {
        case .encoded(let bytes): try PictureDecoder.decode(bytes).picture
        case .drawn(let picture): picture
        }
    }
}

/// SHA-256 over typed fields.
struct Fingerprint {
    private var bytes: [UInt8] = []

    init(_ kind: String) {
        add(kind)
    }

    /// Adds a text and a terminating zero byte, so that "ab" + "c" and "a" + "bc" differ.
    mutating func add(_ text: String) {
        bytes += text.utf8
        bytes.append(0)
    }

    mutating func add(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: UInt64(truncatingIfNeeded: number).littleEndian) { bytes += $0 }
    }

    mutating func add(contentsOf other: [UInt8]) {
        add(other.count)
        bytes += other
    }

    /// The hash, 64 hexadecimal digits.
    func finish() -> String {
        bytes.withUnsafeBytes { Digest.sha256($0) }
    }
}
