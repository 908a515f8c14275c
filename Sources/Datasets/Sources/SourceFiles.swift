import Files

/// The files of a folder or an archive.
protocol SourceFiles: Sendable {
    /// Path of the folder or archive, for messages.
    var path: String { get }
    /// `folder`, `zip` or `tar`.
    var kind: SourceKind { get }
    /// All regular files with different names, in the byte order of the names. In a damaged compressed archive, they
    /// are in the order of the archive.
    var files: [SourceFile] { get }
    /// Files that a later file with the same name replaces.
    var replaced: [SkippedFile] { get }
    /// Damage of the archive as a whole; nil if there is none. The files before it can be read.
    var damage: String? { get }

    /// Whether the given files, ascending, can only be read efficiently by `forEach`.
    func readsInOrder(_ indices: [Int]) -> Bool
    /// Returns the content of a file. It can be called from several threads at once.
    /// - Throws: `FileError` or `DataError` if this file cannot be read.
    func bytes(of index: Int) throws -> [UInt8]
    /// Calls `body` with the position and content of the given files, ascending, until it returns false.
    /// - Throws: errors of `body`; `FileError` or `DataError` if the archive cannot be read further.
    func forEach(_ indices: [Int], _ body: (Int, Result<[UInt8], any Error>) throws -> Bool) throws
    /// Returns a file, such as an archive in an archive, for random access.
    /// - Throws: `FileError` if it cannot be read, or a temporary copy cannot be written.
    func mapped(_ index: Int) throws -> MappedFile
    /// Returns a hexadecimal hash that depends on the content of the given files and not on their location.
    func fingerprint(of indices: [Int]) throws -> String
}

extension SourceFiles {
    var damage: String? { nil }
    func readsInOrder(_ indices: [Int]) -> Bool { false }

    func forEach(_ indices: [Int], _ body: (Int, Result<[UInt8], any Error>) throws -> Bool) throws {
        for (position, index) in indices.enumerated() {
            guard try body(position, Result { try bytes(of: index) }) else { return }
        }
    }
}

/// A regular file of a folder or an archive.
struct SourceFile: Sendable {
    /// Name relative to the folder or archive, with `/` between folders.
    let name: String
    /// Size in bytes.
    let size: Int
    /// Type by content; nil if the extension of the name is that of a picture and the content was not examined.
    let kind: FileKind?
    /// The reason for which the file is ignored regardless of its content, such as "a hidden file"; nil if there is
    /// none.
    let note: String?

    /// Whether the file counts as a picture. Its content can still be damaged.
    var isPicture: Bool { note == nil && kind?.isPicture ?? true }

    /// What the file is, for lists of skipped files.
    var phrase: String { note ?? kind?.phrase ?? "a picture" }
}

/// A file of a source that is not used as a picture or label file.
public struct SkippedFile: Sendable, Codable, Equatable {
    /// Name of the file in its source.
    public let name: String
    /// What the file is, or why it is not used, such as "a text file".
    public let kind: String

    /// Creates a description of a file.
    public init(name: String, kind: String) {
        self.name = name
        self.kind = kind
    }
}

extension SkippedFile {
    /// Groups files by kind, the largest group first: "a text file (2): a.txt, b.txt".
    package static func summary(_ files: [SkippedFile], names limit: Int = 3) -> [String] {
        Dictionary(grouping: files, by: \.kind).sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            .map { kind, files in
                let shown = files.prefix(limit).map(\.name).joined(separator: ", ")
                return kind + (files.count > 1 ? " (\(files.count))" : "") + ": " + shown
                    + (files.count > limit ? ", …" : "")
            }
    }
}

/// Rules for names of files.
package enum PictureNames {
    /// Extensions of pictures. Files with another extension are recognized by their content.
    static let extensions: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif",
        "jxl",
    ]

    /// Whether the extension of a name is that of a picture.
    static func hasPictureExtension(_ name: String) -> Bool {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return extensions.contains(name[name.utf8.index(after: dot)...].lowercased())
    }

    /// The reason for which a file is ignored because of its name; nil if there is none.
    static func note(_ name: String) -> String? {
        var isHidden = false
        for part in name.utf8.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual("__MACOSX".utf8) || part.starts(with: "._".utf8) { return systemNote }
            isHidden = isHidden || part.first == UInt8(ascii: ".") && !part.elementsEqual("..".utf8)
        }
        if [".DS_Store", "Thumbs.db", "desktop.ini"].contains(file(name)) { return systemNote }
        return isHidden ? "a hidden file" : nil
    }

    private static let systemNote = "a file of the operating system"

    /// Name without folders.
    static func file(_ name: String) -> String {
        name.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(name[name.utf8.index(after: $0)...]) } ?? name
    }

    /// Folder of a name with a slash at its end; empty if there is none.
    static func folder(_ name: String) -> String {
        name.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(name[...$0]) } ?? ""
    }

    /// Whether one of the folders in a name is called `folder`.
    static func isInside(_ name: String, _ folder: String) -> Bool {
        name.utf8.split(separator: UInt8(ascii: "/")).dropLast().contains { $0.elementsEqual(folder.utf8) }
    }

    /// Removes what unpacking removes from names in archives: `/` at the beginning, `.` as a folder, empty folders.
    static func unpacked(_ name: [UInt8]) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        guard
            name.first == slash || name.starts(with: "./".utf8)
                || name.indices.dropLast().contains(where: {
                    name[$0] == slash && (name[$0 + 1] == slash || name[$0 + 1] == UInt8(ascii: "."))
                })
        else { return name }
        let parts = name.split(separator: slash).filter { !$0.elementsEqual([UInt8(ascii: ".")]) }
        return Array(parts.joined(separator: [slash]))
    }

    /// Returns a name for use in lists: control characters, such as line breaks, become question marks.
    package static func oneLine(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return name }
        return String(
            decoding: name.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }

    /// Order of names by their bytes, independent of the locale.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
