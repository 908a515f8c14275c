import Files
import Foundation

/// A label file of a folder or archive.
struct LabelFile: Sendable {
    /// Name without folders.
    let name: String
    /// Path for messages.
    let path: String
    /// Folder in its source, with a slash at its end; empty for the top.
    let folder: String
    /// Position among the files of its source; nil if it is outside the source.
    private(set) var index: Int?
    private let read: @Sendable () throws -> [UInt8]

    init(_ files: any SourceFiles, _ index: Int) {
        let file = files.files[index]
        name = PictureNames.file(file.name)
        path = files.kind == .folder ? "\(files.path)/\(file.name)" : "\(files.path):\(file.name)"
        folder = PictureNames.folder(file.name)
        self.index = index
        read = { try files.bytes(of: index) }
    }

    init(path: String) {
        name = PictureNames.file(path)
        self.path = path
        folder = ""
        index = nil
        read = {
            let file = try MappedFile(path: path)
            return try file.bytes(file.all)
        }
    }

    /// The same file for an archive in its source.
    var outside: LabelFile {
        var file = self
        file.index = nil
        return file
    }

    /// Returns the content.
    ///
    /// - Throws: `FileError` if the file cannot be read.
    func bytes() throws -> [UInt8] { try read() }
}

/// The label files of a source.
struct LabelFiles: Sendable {
    /// Tables of CelebA: `list_attr_celeba` and others, as text (`.txt`) or in the CSV edition.
    var attributes: LabelFile?
    var partition: LabelFile?
    var identity: LabelFile?
    var landmarks: LabelFile?
    /// Attributes of CelebAMask-HQ.
    var maskAttributes: LabelFile?
    /// Files `dataset.json` of NVlabs' tools.
    var json: [LabelFile] = []

    /// Names of the tables without extension, in lower case.
    private static let tables: [String: any WritableKeyPath<LabelFiles, LabelFile?> & Sendable] = [
        "list_attr_celeba": \.attributes, "list_eval_partition": \.partition, "identity_celeba": \.identity,
        "list_landmarks_align_celeba": \.landmarks, "celebamask-hq-attribute-anno": \.maskAttributes,
    ]

    /// Extensions of tables, the preferred one first.
    private static let extensions = ["txt", "csv", "tsv"]

    /// Finds the label files among the files of a source. Of several with the same role, the one in the fewest folders
    /// is used.
    init(_ files: any SourceFiles) {
        let found = files.files.indices.filter {
            files.files[$0].note == nil && Self.isLabelFile(files.files[$0].name)
        }
        func depth(_ index: Int) -> Int {
            files.files[index].name.utf8.lazy.filter { $0 == UInt8(ascii: "/") }.count
        }
        func rank(_ index: Int) -> Int {
            Self.extensions.firstIndex { files.files[index].name.lowercased().hasSuffix($0) } ?? 0
        }
        let sorted = found.map { (index: $0, depth: depth($0), rank: rank($0)) }
            .sorted { ($0.depth, $0.rank, $0.index) < ($1.depth, $1.rank, $1.index) }
        let jsonDepth = sorted.first { files.files[$0.index].name.hasSuffix(DatasetJSON.fileName) }?.depth
        for item in sorted {
            let name = files.files[item.index].name
            if PictureNames.file(name) == DatasetJSON.fileName {
                if item.depth == jsonDepth { json.append(LabelFile(files, item.index)) }
            } else if let role = Self.role(name), self[keyPath: role] == nil {
                self[keyPath: role] = LabelFile(files, item.index)
            }
        }
    }

    /// Searches folders for tables, and `Anno`, `Eval` and `Identity` inside each.
    init(beside folders: [String]) {
        for folder in folders {
            for part in ["", "Anno/", "Eval/", "Identity/"] {
                let place = "\(folder)/\(part)"
                let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
                for ending in Self.extensions {
                    for name in names.sorted() where name.lowercased().hasSuffix("." + ending) {
                        guard let role = Self.role(name), self[keyPath: role] == nil else { continue }
                        self[keyPath: role] = LabelFile(path: place + name)
                    }
                }
            }
        }
    }

    /// Whether a file is a label file by its name.
    static func isLabelFile(_ name: String) -> Bool {
        PictureNames.file(name) == DatasetJSON.fileName || role(name) != nil
    }

    private static func role(_ name: String) -> (any WritableKeyPath<LabelFiles, LabelFile?> & Sendable)? {
        let file = PictureNames.file(name).lowercased()
        guard let dot = file.lastIndex(of: "."), extensions.contains(String(file[file.index(after: dot)...]))
        else {
            return nil
        }
        return tables[String(file[..<dot])]
    }

    /// Whether there is a table that identifies CelebA. Identity and landmark files alone do not.
    var isCelebA: Bool { attributes != nil || partition != nil }

    /// All label files that are read.
    var used: [LabelFile] {
        (isCelebA ? [attributes, partition, identity, landmarks] : [maskAttributes]).compactMap { $0 } + json
    }

    /// Adds the tables of another place if this one has none.
    mutating func complete(from other: LabelFiles) {
        if !isCelebA {
            (attributes, partition) = (other.attributes?.outside, other.partition?.outside)
            identity = identity ?? other.identity?.outside
            landmarks = landmarks ?? other.landmarks?.outside
        }
        maskAttributes = maskAttributes ?? other.maskAttributes?.outside
    }
}
