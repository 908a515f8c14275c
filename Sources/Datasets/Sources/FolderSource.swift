import Files
import Foundation
import Imaging

/// The pictures of a folder and its subfolders, sorted by path.
public struct FolderSource: PictureSource {
    /// Name of the folder.
    public let name: String
    /// Paths relative to the folder, in byte order.
    public let names: [String]
    /// Hash of names, sizes, and times of modification and of the last change.
    public let fingerprint: String
    /// The kind, `folder`.
    public var kind: SourceKind { .folder }
    private let root: String

    /// Lists the pictures of a folder. Hidden files and `__MACOSX` are skipped; symbolic links are followed.
    ///
    /// - Throws: `DataError` if a folder cannot be listed.
    public init(path: String) throws {
        root = path
        name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        var listing = FolderListing(root: path)
        try listing.visit("")
        let files = listing.files.sorted { PictureNames.precedes($0.name, $1.name) }
        names = files.map(\.name)
        var digest = Fingerprint("folder")
        for file in files {
            digest.add(file.name)
            digest.add(file.size)
            digest.add(file.modified)
            digest.add(file.changed)
        }
        fingerprint = digest.finish()
    }

    /// Returns the bytes of a file. `size` is ignored.
    ///
    /// - Throws: `FileError` if the file cannot be read; `ImagingError` if it is too large for a picture.
    public func content(at index: Int, size: Int) throws -> PictureContent {
        let file = try MappedFile(path: root + "/" + names[index])
        try DecodeLimits.check(byteCount: file.count)
        return .encoded(try file.bytes(0..<file.count))
    }
}

/// Recursive listing of a folder. Symbolic links are followed, but each folder is visited once.
private struct FolderListing {
    struct File {
        let name: String
        let size: Int
        /// Modification time in nanoseconds since 1970.
        let modified: Int
        /// Time of the last change of content or properties, in nanoseconds since 1970.
        let changed: Int
    }

    private struct Folder: Hashable {
        let device: UInt64
        let node: UInt64
    }

    let root: String
    var files: [File] = []
    private var seen: Set<Folder> = []

    init(root: String) {
        self.root = root
    }

    mutating func visit(_ relative: String) throws {
        let path = relative.isEmpty ? root : root + "/" + relative
        var status = stat()
        guard stat(path, &status) == 0 else { throw unreadable(path) }
        let folder = Folder(device: UInt64(truncatingIfNeeded: status.st_dev), node: UInt64(status.st_ino))
        guard seen.insert(folder).inserted else { return }
        let listed: [String]
        do {
            listed = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw unreadable(path)
        }
        for file in listed.sorted() where !file.hasPrefix(".") && file != "__MACOSX" {
            let name = relative.isEmpty ? file : relative + "/" + file
            // A dangling link is listed, so that reading it reports the error.
            guard stat(root + "/" + name, &status) == 0 else {
                if PictureNames.isPicture(name) {
                    files.append(File(name: name, size: 0, modified: 0, changed: 0))
                }
                continue
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                try visit(name)
            } else if PictureNames.isPicture(name) {
                let (modified, changed) = status.times
                files.append(
                    File(name: name, size: Int(status.st_size), modified: modified, changed: changed))
            }
        }
    }

    private func unreadable(_ path: String) -> DataError {
        DataError(
            "\(path): the folder cannot be listed: \(String(cString: strerror(errno))): check its permissions"
        )
    }
}
