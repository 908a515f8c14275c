import Files
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

/// Gathers what identifies a source's content.
struct Fingerprint {
    private var bytes: [UInt8] = []

    init(_ kind: String) {
        add(kind)
    }

    /// Texts are closed by a zero byte, so that "ab" + "c" and "a" + "bc" differ.
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

    /// 64 hexadecimal digits.
    func finish() -> String {
        bytes.withUnsafeBytes { Digest.sha256($0) }
    }
}

/// Which files of a folder or archive are pictures.
package enum PictureNames {
    static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "png", "webp", "gif", "bmp"]

    /// Whether a path names a picture: by its extension; hidden files and macOS' resource forks are none.
    static func isPicture(_ path: String) -> Bool {
        guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")),
            extensions.contains(path[path.utf8.index(after: dot)...].lowercased())
        else { return false }
        return !path.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__MACOSX" }
    }

    /// A name as it is written in lists: control characters, such as a line's end, become question marks.
    package static func oneLine(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return name }
        return String(
            decoding: name.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }

    /// A fixed order of names: by their bytes, whatever the language of the machine.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}

/// A source together with labels that were found for it.
struct LabeledSource: PictureSource {
    let base: any PictureSource
    let kind: SourceKind
    let labels: Labels
    let labelIssues: [LabelIssue]
    let fingerprint: String

    /// - Parameter digest: what identifies the labels' content; empty where the names alone give the labels.
    init(_ base: any PictureSource, kind: SourceKind, labels: Labels, issues: [LabelIssue], digest: [UInt8]) {
        self.base = base
        self.kind = kind
        self.labels = labels
        labelIssues = issues
        var print = Fingerprint(kind.rawValue)
        print.add(base.fingerprint)
        print.add(contentsOf: digest)
        fingerprint = print.finish()
    }

    var name: String { base.name }
    var names: [String] { base.names }
    var readsInOrder: Bool { base.readsInOrder }
    var damage: String? { base.damage }
    var landmarkFrame: Int? { base.landmarkFrame }

    func content(at index: Int, size: Int) throws -> PictureContent {
        try base.content(at: index, size: size)
    }

    func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws {
        try base.forEach(size: size, body)
    }
}
