import Files
import Foundation

/// Opening of a source from a path or specification.
///
/// The following are recognized by their content:
///
/// - a folder of pictures, with or without label files: tables of CelebA or CelebAMask-HQ, `dataset.json`, one folder
///   per person as in LFW;
/// - a zip or tar archive (also gzipped) of such a folder, with the label files inside or next to it;
/// - a folder or archive that contains such an archive and no pictures;
/// - a packed store written by `facegan data prepare`;
/// - `builtin:2000` or `builtin:2000@7`: rendered faces, with their number and an optional seed.
public enum SourceOpener {
    /// Opens a source.
    ///
    /// - Throws: `DataError` or `FileError` if the path does not exist, has an unsupported type, cannot be read or
    ///   has no pictures. `CancellationError` if `FileCancellation` reports a request to end.
    public static func open(_ specification: String) throws -> any PictureSource {
        if let builtIn = try BuiltInFacesSource(specification: specification) { return builtIn }
        let path = (specification as NSString).expandingTildeInPath
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DataError(
                "\(path): no such file or folder: expected a folder of pictures, a zip or tar archive, a "
                    + "packed store, or built-in faces such as builtin:2000")
        }
        if isFolder.boolValue {
            let above = (path as NSString).standardizingPath + "/.."
            return try source(FolderFiles(path: path), beside: [above, above + "/.."])
        }
        let file = try MappedFile(path: path)
        if FileKind.detect(file) == .safetensors { return try StoreSource(path: path) }
        let beside = Files.folder(ofPath: path)
        return try source(archive(file), beside: [beside, beside + "/.."])
    }

    /// Opens an archive.
    private static func archive(_ file: MappedFile) throws -> any SourceFiles {
        let kind = FileKind.detect(file)
        let problem: String
        switch kind {
        case .zip: return try ZipFiles(file)
        case .tar, .gzip: return try TarFiles(file)
        case .html:
            problem =
                "the file is a web page, not an archive: the server sent a page instead of the file, often because "
                + "of a download limit: delete it and see 'facegan data download --help'"
        case .empty: problem = "the file is empty: download it again"
        case _ where kind.isPicture:
            problem = "the file is a single picture: expected a folder or an archive of pictures"
        default:
            let advice = kind.advice.isEmpty ? "" : " " + kind.advice
            problem =
                "the file is neither a zip or tar archive nor a packed store, but \(kind.phrase): expected a folder "
                + "of pictures or an archive (.zip, .tar, .tgz).\(advice)"
        }
        throw DataError("\(file.path): \(problem)")
    }

    // MARK: - Pictures and labels

    /// Selects the pictures and reads their labels.
    /// - Parameters:
    ///   - files: the folder or archive.
    ///   - beside: folders in which CelebA's label files can be.
    ///   - labels: label files inside and around an archive in an archive; nil to use those inside.
    ///   - skipped: skipped files of the archives that contain this one.
    ///   - depth: the number of the archives that contain this one.
    private static func source(
        _ files: any SourceFiles, beside: [String], labels: LabelFiles? = nil, skipped: [SkippedFile] = [],
        depth: Int = 0
    ) throws -> any PictureSource {
        var found = labels ?? LabelFiles(files)
        let layout = SourceLayout(files.files, labels: found)
        if layout.pictures.isEmpty {
            guard depth < 3, let index = archive(in: files.files) else { throw noPictures(files) }
            let inner = try archive(files.mapped(index))
            // The names in an outer dataset.json are not those of the inner archive.
            found.json = []
            var all = LabelFiles(inner)
            all.complete(from: found)
            let paths = Set(all.used.map(\.path))
            let used = found.used.filter { paths.contains($0.path) }.compactMap(\.index)
            let rest = layout.skipped(files.files, used: Set(used + [index]))
            return try source(
                inner, beside: beside, labels: all, skipped: skipped + rest + files.replaced,
                depth: depth + 1)
        }
        let names = layout.pictures.map { files.files[$0].name }
        let isCelebALike = looksLikeCelebA(names)
        if !found.isCelebA, isCelebALike { found.complete(from: LabelFiles(beside: beside)) }
        if !found.isCelebA, found.maskAttributes == nil, hasFacesOfCelebAHQ(files.path) {
            found.maskAttributes = LabelFiles(beside: beside).maskAttributes
        }
        let unused = layout.skipped(files.files, used: Set(found.used.compactMap(\.index)))
        var result = LabelReader(names: names)
        try result.read(found)
        var kind = files.kind
        if found.isCelebA {
            kind = .celebA
        } else if !found.json.isEmpty {
            kind = .labeled
        } else if let known = layout.kind {
            kind = known
        } else if found.maskAttributes != nil {
            kind = .celebAHQ
        } else if let persons = LFWNames.labels(for: names) {
            result.labels = persons
            kind = .lfw
        } else if isCelebALike, names[0].contains("celeba") {
            // CelebA's pictures without label files still get CelebA's default crop.
            kind = .celebA
        }
        return try FileSource(
            files, pictures: layout.pictures, kind: kind, labels: result.labels, issues: result.issues,
            digest: result.digest, skipped: skipped + unused + files.replaced)
    }

    /// The archive to open in place of a folder or archive without pictures: that of CelebA's aligned pictures, or the
    /// only one.
    private static func archive(in files: [SourceFile]) -> Int? {
        let archives = files.indices.filter {
            files[$0].note == nil && [.zip, .tar, .gzip].contains(files[$0].kind)
        }
        let aligned = archives.filter {
            ["img_align_celeba.zip", "img_align_celeba_png.zip"].contains(PictureNames.file(files[$0].name))
        }
        return archives.count == 1 ? archives[0] : aligned.first
    }

    private static func noPictures(_ files: any SourceFiles) -> DataError {
        let skipped = files.files.filter { !$0.isPicture }.map { SkippedFile(name: $0.name, kind: $0.phrase) }
        let content =
            skipped.isEmpty
            ? "it is empty" : "it contains " + SkippedFile.summary(skipped).prefix(6).joined(separator: "; ")
        let archives = files.files.filter { $0.kind?.isArchive == true }.count
        return DataError(
            "\(files.path): no pictures found: \(content): "
                + (archives > 0
                    ? "unpack the archives, or name one of them"
                    : "expected pictures such as JPEG and PNG files"))
    }

    /// Whether a folder or archive is that of the faces of CelebAMask-HQ, by its name. The attributes are next to it.
    private static func hasFacesOfCelebAHQ(_ path: String) -> Bool {
        let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
        return name == "CelebA-HQ-img" || name.hasPrefix("CelebA-HQ-img.")
    }

    /// Whether the names have six digits, as in CelebA: `img_align_celeba/000001.jpg`.
    private static func looksLikeCelebA(_ names: [String]) -> Bool {
        let sample = names.prefix(1000)
        return !sample.isEmpty
            && sample.allSatisfy { name in
                let key = LabelTable.stem(name)
                return key.utf8.count == 6 && key.utf8.allSatisfy { (0x30...0x39).contains($0) }
            }
    }
}
