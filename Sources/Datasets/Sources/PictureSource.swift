import Imaging

/// A set of pictures in a fixed order, read one by one from wherever they lie.
public protocol PictureSource: Sendable {
    /// What a person calls it: the file's or folder's name.
    var name: String { get }
    var kind: SourceKind { get }
    /// The pictures' names, with `/` between folders. The order never depends on the machine.
    var names: [String] { get }
    /// One row a picture.
    var labels: Labels { get }
    /// The side of the square that landmarks are given in, in pixels; nil where they are in pixels of the picture.
    var landmarkFrame: Int? { get }
    /// What is wrong between pictures and labels.
    var labelIssues: [LabelIssue] { get }
    /// True where pictures can only be read one after another, as in a compressed tar: use `forEach`.
    var readsInOrder: Bool { get }
    /// What is wrong with the archive as a whole, such as a missing end; the pictures before it can still be read.
    var damage: String? { get }
    /// The protocol that a packed store was made under; nil for everything else.
    var packedProtocol: DataProtocol? { get }
    /// Hexadecimal digits that change when the content does and do not depend on where it lies.
    var fingerprint: String { get }

    /// A picture's content. `size` is a wish for sources that draw their pictures; others do not look at it.
    ///
    /// Safe to call from many threads at once. Throws when this picture cannot be read; the others still can.
    func content(at index: Int, size: Int) throws -> PictureContent

    /// Reads all pictures in order, until `body` returns false.
    func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws
}

/// What a source gives for a picture: the bytes of an image file, or pixels that it drew.
public enum PictureContent: Sendable {
    case encoded([UInt8])
    case drawn(Picture)
}

/// What a source is, which decides how its pictures are cropped unless somebody says otherwise.
public enum SourceKind: String, Sendable, CaseIterable, Codable {
    case folder, zip, tar, celebA, lfw, labeled, builtIn, store

    /// The protocol that this project uses for such pictures at the given size (a power of two, pixels).
    public func suggestedProtocol(size: Int) throws -> DataProtocol {
        switch self {
        case .celebA: try .parse("celeba\(size)-178")
        case .lfw: try .parse("lfw\(size)-160")
        case .builtIn: try .parse("faces\(size)")
        case .folder, .zip, .tar, .labeled, .store: try .parse("square\(size)")
        }
    }
}

extension PictureSource {
    /// How many pictures there are.
    public var count: Int { names.count }

    public var labels: Labels { Labels(count: count) }
    public var labelIssues: [LabelIssue] { [] }
    public var readsInOrder: Bool { false }
    public var damage: String? { nil }
    public var packedProtocol: DataProtocol? { nil }
    public var landmarkFrame: Int? { nil }

    public func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws {
        for index in 0..<count where try !body(index, Result { try content(at: index, size: size) }) {
            return
        }
    }

    /// What to apply to this source's content to get samples of a protocol: a packed store's content are samples already.
    ///
    /// Throws `DataError` for a store that was packed under another protocol.
    func applying(_ data: DataProtocol) throws -> DataProtocol {
        guard let packed = packedProtocol else { return data }
        guard packed.hash == data.hash else {
            throw DataError(
                "\(name): the store was packed under the protocol \(packed), but \(data) is asked for: use the "
                    + "original pictures, or ask for \(packed.name)")
        }
        return DataProtocol(name: data.name, crop: .square, filter: data.filter, size: data.size)
    }

    /// A picture, decoded, upright, 8 bits a channel.
    public func picture(at index: Int, size: Int = 256) throws -> Picture {
        try content(at: index, size: size).picture()
    }
}

extension PictureContent {
    /// The pixels.
    public func picture() throws -> Picture {
        switch self {
        case .encoded(let bytes): try PictureDecoder.decode(bytes).picture
        case .drawn(let picture): picture
        }
    }
}
