import Files

/// The files of a zip archive. Nothing is extracted to disk, except a compressed archive inside the archive.
struct ZipFiles: SourceFiles {
    let path: String
    let files: [SourceFile]
    let replaced: [SkippedFile]
    var kind: SourceKind { .zip }
    private let archive: ZipArchive
    private let entries: [ZipArchive.Entry]

    /// Reads the directory of an archive, and the first bytes of files without the extension of a picture.
    ///
    /// - Throws: `FileError` if the file is not a zip archive or its directory is damaged; `CancellationError` as
    ///   `FileCancellation`.
    init(_ file: MappedFile) throws {
        path = file.path
        let archive = try ZipArchive(file)
        self.archive = archive
        let found = archive.entries.map { (entry: $0, name: ZipFiles.name($0)) }.filter { !$0.name.isFolder }
        let list = UniqueNames(found.map { ($0.name.bytes, $0.name.text) })
        entries = list.kept.map { found[$0.item].entry }
        files = try list.kept.map { kept in
            try FileCancellation.check()
            return ZipFiles.file(found[kept.item].entry, kept.name, archive)
        }
        replaced = list.replaced
    }

    /// Returns the content of an entry.
    ///
    /// - Throws: `FileError` if the entry cannot be read or is damaged.
    func bytes(of index: Int) throws -> [UInt8] { try archive.read(entries[index]) }

    func mapped(_ index: Int) throws -> MappedFile { try archive.unpacked(entries[index]) }

    /// Hash of names, sizes and CRCs. The directory contains a CRC of every file, so the hash depends on the content.
    func fingerprint(of indices: [Int]) -> String {
        var digest = Fingerprint("zip")
        for index in indices {
            digest.add(files[index].name)
            digest.add(entries[index].size)
            digest.add(entries[index].crc)
        }
        return digest.finish()
    }

    /// Name of an entry after unpacking. Backslashes separate folders in archives from Windows.
    private static func name(_ entry: ZipArchive.Entry) -> (bytes: [UInt8], text: String, isFolder: Bool) {
        let slash = UInt8(ascii: "/")
        let backslash = UInt8(ascii: "\\")
        var bytes = entry.nameBytes
        let isUTF8 = String(validating: bytes, as: UTF8.self) != nil
        // In other encodings, such as Shift-JIS, the byte of a backslash can be part of a character.
        if entry.isFromWindows, isUTF8, bytes.contains(backslash), !bytes.contains(slash) {
            bytes = bytes.map { $0 == backslash ? slash : $0 }
        }
        let clean = PictureNames.unpacked(bytes)
        let text = isUTF8 ? FileNames.text(clean) : entry.name
        return (clean, text, bytes.last == slash)
    }

    private static func file(_ entry: ZipArchive.Entry, _ name: String, _ archive: ZipArchive) -> SourceFile {
        var note = PictureNames.note(name)
        var kind: FileKind?
        if note == nil, !PictureNames.hasPictureExtension(name) {
            do {
                kind = FileKind.detect(try archive.head(entry, count: FileKind.headSize), count: entry.size)
            } catch {
                note = "an entry that cannot be read"
            }
        }
        return SourceFile(name: name, size: entry.size, kind: kind, note: note)
    }
}

/// Names of the files in an archive. A later file replaces an earlier one with the same bytes as its name.
struct UniqueNames {
    /// Position in the archive and text of the name, in the byte order of the names.
    let kept: [(item: Int, name: String)]
    let replaced: [SkippedFile]

    /// - Parameter items: bytes and text of the names, in the order of the archive.
    init(_ items: [(bytes: [UInt8], text: String)]) {
        var latest: [[UInt8]: Int] = [:]
        var replaced: [SkippedFile] = []
        for (index, item) in items.enumerated() {
            if latest.updateValue(index, forKey: item.bytes) != nil {
                replaced.append(
                    SkippedFile(name: item.text, kind: "a file that a later one with the same name replaces"))
            }
        }
        let order = latest.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
        let names = FileNames.distinct(order.map { items[$0].text })
        kept = zip(order, names).map { (item: $0, name: $1) }.sorted {
            PictureNames.precedes($0.name, $1.name)
        }
        self.replaced = replaced
    }
}
