import Files
import Foundation

/// The files of a tar archive, plain or gzipped.
///
/// The pictures of a compressed archive are read sequentially if they are in the order of their names. Otherwise the
/// archive is decompressed into a temporary file when the first picture is read.
struct TarFiles: SourceFiles {
    let path: String
    let files: [SourceFile]
    let replaced: [SkippedFile]
    let damage: String?
    var kind: SourceKind { .tar }
    private let archive: TarArchive
    /// The entries of `files`.
    private let entries: [TarArchive.Entry]
    /// Positions of `files` among all regular files of the archive; links have larger numbers.
    private let positions: [Int]
    private let regularCount: Int
    /// Contents of label files of a compressed archive, by position, except large ones.
    private let labels: [Int: [UInt8]]
    private let copy: DecompressedCopy

    /// Maximum size of a label file that is kept in memory, and of all of them, in bytes.
    private static let (labelLimit, labelSum) = (64 << 20, 256 << 20)

    /// Reads the archive once to list its files and to recognize their types.
    ///
    /// - Throws: `FileError` if the file is not a tar archive or no file can be read; `CancellationError` as
    ///   `FileCancellation`.
    init(_ file: MappedFile) throws {
        path = file.path
        let archive = try TarArchive(file)
        self.archive = archive
        copy = DecompressedCopy(archive)
        var found: [TarArchive.Entry] = []
        var types: [(kind: FileKind?, note: String?)] = []
        var labels: [Int: [UInt8]] = [:]
        var rest = Self.labelSum
        let labelLimit = Self.labelLimit
        var links: [TarArchive.Link] = []
        var damage: String?
        do {
            links = try archive.forEach { entry, content in
                try FileCancellation.check()
                if archive.entries == nil, LabelFiles.isLabelFile(entry.name), !entry.isSparse,
                    entry.size <= min(labelLimit, rest)
                {
                    labels[found.count] = try content()
                    rest -= entry.size
                }
                types.append(try TarFiles.type(of: entry, content))
                found.append(entry)
                return true
            }
        } catch {
            guard !types.isEmpty, !(error is CancellationError) else { throw error }
            damage = "\(error)"
        }
        regularCount = found.count
        var skipped: [SkippedFile] = []
        let targets = Dictionary(zip(found.map { PictureNames.unpacked($0.nameBytes) }, 0...)) { $1 }
        for link in links {
            guard let target = link.target.flatMap({ targets[PictureNames.unpacked($0)] }) else {
                skipped.append(SkippedFile(name: link.name, kind: link.phrase))
                continue
            }
            let note = PictureNames.note(FileNames.text(PictureNames.unpacked(link.nameBytes)))
            types.append((PictureNames.hasPictureExtension(link.name) ? nil : types[target].kind, note))
            found.append(found[target].named(link.nameBytes))
        }
        let list = UniqueNames(
            found.map {
                let name = PictureNames.unpacked($0.nameBytes)
                return (bytes: name, text: FileNames.text(name))
            })
        // A damaged compressed archive cannot be decompressed, so it is read in its own order.
        let isCut = damage != nil && archive.entries == nil
        let kept = isCut ? list.kept.sorted { $0.item < $1.item } : list.kept
        positions = kept.map(\.item)
        entries = kept.map { found[$0.item] }
        files = kept.map {
            SourceFile(
                name: $0.name, size: found[$0.item].size, kind: types[$0.item].kind, note: types[$0.item].note
            )
        }
        replaced = list.replaced + skipped
        self.labels = labels
        self.damage = damage
    }

    private static func type(
        of entry: TarArchive.Entry, _ content: TarArchive.Content
    ) throws -> (kind: FileKind?, note: String?) {
        if let note = PictureNames.note(FileNames.text(PictureNames.unpacked(entry.nameBytes))) {
            return (nil, note)
        }
        if PictureNames.hasPictureExtension(entry.name) { return (nil, nil) }
        if entry.isSparse { return (nil, "a sparse file, which cannot be read") }
        return (FileKind.detect(try content.head(FileKind.headSize), count: entry.size), nil)
    }

    func readsInOrder(_ indices: [Int]) -> Bool {
        guard archive.entries == nil else { return false }
        return indices.allSatisfy { positions[$0] < regularCount }
            && zip(indices, indices.dropFirst()).allSatisfy { positions[$0] < positions[$1] }
    }

    /// Returns the content of a file.
    ///
    /// - Throws: `FileError` if the file cannot be read, or the archive is compressed and the temporary copy cannot be
    ///   written.
    func bytes(of index: Int) throws -> [UInt8] {
        if archive.entries != nil { return try archive.read(entries[index]) }
        if let bytes = labels[positions[index]] { return bytes }
        guard damage == nil else { return try sequential(index) }
        return try TarArchive.content(of: entries[index], in: copy.file())
    }

    /// Reads a file of a damaged compressed archive from the beginning.
    private func sequential(_ index: Int) throws -> [UInt8] {
        var found: Result<[UInt8], any Error>?
        try forEach([index]) { _, content in
            found = content
            return false
        }
        guard let found else {
            throw DataError(
                "\(path): the file \(files[index].name) cannot be found: the archive changed or is damaged")
        }
        return try found.get()
    }

    func forEach(_ indices: [Int], _ body: (Int, Result<[UInt8], any Error>) throws -> Bool) throws {
        guard readsInOrder(indices) else {
            for (position, index) in indices.enumerated() {
                guard try body(position, Result { try bytes(of: index) }) else { return }
            }
            return
        }
        var (at, next) = (0, 0)
        guard !indices.isEmpty else { return }
        try archive.forEach { entry, content in
            defer { at += 1 }
            let index = indices[next]
            guard positions[index] == at else { return true }
            guard entry == entries[index] else {
                throw DataError("\(path): the archive changed while it was read: run the command again")
            }
            next += 1
            return try body(next - 1, Result { try content() }) && next < indices.count
        }
    }

    func mapped(_ index: Int) throws -> MappedFile {
        let entry = entries[index]
        return try MappedFile(
            entry.offset..<(entry.offset + entry.size), of: copy.file(), path: "\(path):\(files[index].name)")
    }

    /// Hash of the file.
    func fingerprint(of indices: [Int]) throws -> String {
        var digest = Fingerprint("tar")
        digest.add(
            try RememberedDigest.value(for: path, kind: "file") {
                try archive.file.withBytes(archive.file.all) { Digest.sha256($0) }
            })
        return digest.finish()
    }
}

/// Decompressed bytes of a tar archive, written when they are first needed.
private final class DecompressedCopy: @unchecked Sendable {
    private let archive: TarArchive
    private let lock = NSLock()
    // Protected by the lock.
    private var mapped: MappedFile?

    init(_ archive: TarArchive) { self.archive = archive }

    func file() throws -> MappedFile {
        try lock.withLock {
            if let mapped { return mapped }
            let copy = try archive.decompressed()
            mapped = copy
            return copy
        }
    }
}
