import Files
import Foundation

/// The files of a folder and its subfolders. Symbolic links are followed.
struct FolderFiles: SourceFiles {
    let path: String
    let files: [SourceFile]
    var kind: SourceKind { .folder }
    var replaced: [SkippedFile] { [] }
    private let items: [FolderListing.Item]

    /// Lists a folder. The first bytes of files without the extension of a picture are read.
    ///
    /// - Throws: `DataError` if a folder cannot be listed; `CancellationError` as `FileCancellation`.
    init(path: String) throws {
        self.path = path
        var listing = FolderListing(root: Array(path.utf8))
        try listing.visit([])
        let found = listing.items.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        let names = FileNames.distinct(found.map { FileNames.text($0.name) })
        let order = names.indices.sorted { PictureNames.precedes(names[$0], names[$1]) }
        items = order.map { found[$0] }
        files = try order.map {
            try FileCancellation.check()
            return found[$0].file(names[$0], path: path + "/" + names[$0], root: path)
        }
    }

    /// Returns the content of a file.
    ///
    /// - Throws: `FileError` if the file cannot be read or has more than `MappedFile.copyLimit` bytes.
    func bytes(of index: Int) throws -> [UInt8] {
        let file = try mapped(index)
        return try file.bytes(file.all)
    }

    func mapped(_ index: Int) throws -> MappedFile {
        try MappedFile(
            path: path + "/" + files[index].name,
            bytes: Array(path.utf8) + [UInt8(ascii: "/")] + items[index].name)
    }

    /// Hash of names, sizes, and times of the last change of content and state.
    func fingerprint(of indices: [Int]) -> String {
        var digest = Fingerprint("folder")
        for index in indices {
            digest.add(files[index].name)
            digest.add(items[index].size)
            digest.add(items[index].modified)
            digest.add(items[index].changed)
        }
        return digest.finish()
    }
}

/// Recursive listing of a folder by bytes, because names need not be UTF-8. Symbolic links are followed, but each
/// folder is visited once.
private struct FolderListing {
    struct Item: Sendable {
        /// Path relative to the root.
        let name: [UInt8]
        let size: Int
        /// Times in nanoseconds since 1970.
        let modified: Int
        let changed: Int
        /// Whether it is a regular file; nil if it cannot be examined.
        let isRegular: Bool?
        /// The error number of a file that cannot be examined; `ENOENT` for a link without a target.
        var error: Int32 = 0

        /// The file with its type.
        func file(_ name: String, path: String, root: String) -> SourceFile {
            var note = PictureNames.note(name)
            var kind: FileKind?
            if note == nil, !PictureNames.hasPictureExtension(name) {
                switch isRegular {
                case nil where error == ENOENT: note = "a link without a target"
                case nil: note = "a file that cannot be examined (\(String(cString: strerror(error))))"
                case false?: note = "not a regular file"
                case true?:
                    do {
                        let raw = Array(root.utf8) + [UInt8(ascii: "/")] + self.name
                        kind = FileKind.detect(try MappedFile(path: path, bytes: raw))
                    } catch {
                        note = "a file that cannot be opened"
                    }
                }
            }
            return SourceFile(name: name, size: size, kind: kind, note: note)
        }
    }

    private struct Folder: Hashable {
        let device: UInt64
        let node: UInt64
    }

    let root: [UInt8]
    var items: [Item] = []
    private var seen: Set<Folder> = []

    init(root: [UInt8]) {
        self.root = root
    }

    mutating func visit(_ relative: [UInt8]) throws {
        let slash = UInt8(ascii: "/")
        let path = relative.isEmpty ? root : root + [slash] + relative
        var status = stat()
        guard stat(terminated(path), &status) == 0 else { throw unreadable(path) }
        let folder = Folder(device: UInt64(truncatingIfNeeded: status.st_dev), node: UInt64(status.st_ino))
        guard seen.insert(folder).inserted else { return }
        for file in try list(path).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            try FileCancellation.check()
            let name = relative.isEmpty ? file : relative + [slash] + file
            // A dangling link is listed, so that reading it reports the error.
            guard stat(terminated(root + [slash] + name), &status) == 0 else {
                let error = errno
                items.append(
                    Item(name: name, size: 0, modified: 0, changed: 0, isRegular: nil, error: error))
                continue
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                try visit(name)
            } else {
                items.append(
                    Item(
                        name: name, size: Int(status.st_size), modified: status.modifiedNanoseconds,
                        changed: status.changedNanoseconds, isRegular: status.st_mode & S_IFMT == S_IFREG))
            }
        }
    }

    /// Names in a folder, except `.` and `..`.
    private func list(_ path: [UInt8]) throws -> [[UInt8]] {
        guard let stream = opendir(terminated(path)) else { throw unreadable(path) }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: UInt8.self)
            let name = Array(
                UnsafeBufferPointer(
                    start: start, count: strlen(UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))))
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw unreadable(path) }
        return names
    }

    private func terminated(_ path: [UInt8]) -> [CChar] { path.map { CChar(bitPattern: $0) } + [0] }

    private func unreadable(_ path: [UInt8]) -> DataError {
        let reason = String(cString: strerror(errno))
        return DataError(
            "\(FileNames.text(path)): the folder cannot be listed: \(reason): check its permissions")
    }
}

extension stat {
    /// Modification time of the content in nanoseconds since 1970.
    var modifiedNanoseconds: Int {
        #if canImport(Darwin)
            nanoseconds(st_mtimespec)
        #else
            nanoseconds(st_mtim)
        #endif
    }

    /// Time of the last change of content, name or permissions in nanoseconds since 1970. Programs cannot set it.
    var changedNanoseconds: Int {
        #if canImport(Darwin)
            nanoseconds(st_ctimespec)
        #else
            nanoseconds(st_ctim)
        #endif
    }

    private func nanoseconds(_ time: timespec) -> Int {
        Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec)
    }
}

/// The pictures of a folder and its subfolders, without labels.
public struct FolderSource: Sendable {
    /// Paths relative to the folder, in byte order.
    public let names: [String]
    /// Lists the pictures of a folder. Symbolic links are followed.
    ///
    /// - Throws: `DataError` if a folder cannot be listed; `CancellationError` as `FileCancellation`.
    public init(path: String) throws {
        names = try FolderFiles(path: path).files.filter(\.isPicture).map(\.name)
    }
}
